"""SmoothGrad, its square and VarGrad over any method: laws, and what code they depend on."""

import pytest
import torch
from captum.attr import NoiseTunnel, Saliency
from torch import nn

from saliency_benchmark import config, layers, provenance, registry
from saliency_benchmark.models import small_cnn
from tests.test_config import TINY, changed

BASES = ["input_x_gradient", "guided_backprop", "grad_cam", "lrp_epsilon_plus"]


@pytest.fixture(scope="module")
def case():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = small_cnn.build((1, 18, 24), 3, width=4).eval()
        images, targets = torch.rand(4, 1, 18, 24), torch.tensor([0, 1, 2, 0])
    return model, images, targets, layers.feature_layer(model, (1, 18, 24))


def attribute(name, case, **options):
    model, images, targets, layer = case
    return registry.load("methods", name, {}).attribute(model, images, targets, given={"layer": layer}, **options)


def base_map(name, case):
    model, images, targets, layer = case
    method = registry.load("methods", name, {}).attribute
    return method(model, images, targets, layer=layer) if name == "grad_cam" else method(model, images, targets)


@pytest.mark.parametrize("base", BASES)
def test_without_noise_the_mean_is_the_base_the_square_its_square_and_the_variance_nothing(base, case):
    single = base_map(base, case).detach()
    tolerance = {"rtol": 1e-4, "atol": 1e-6 * single.abs().max().item()}
    assert torch.allclose(attribute("smoothgrad", case, base=base, noise=0.0, samples=3), single, **tolerance)
    assert torch.allclose(
        attribute("smoothgrad_squared", case, base=base, noise=0.0, samples=3), single**2, **tolerance
    )
    assert torch.allclose(attribute("squared", case, base=base), single**2, **tolerance)
    assert attribute("vargrad", case, base=base, noise=0.0, samples=3).abs().max() <= 1e-6 * single.square().max()


@pytest.mark.parametrize("base", ["gradient", "input_x_gradient"])
def test_the_variance_is_the_mean_square_less_the_squared_mean(base, case):
    options = {"base": base, "samples": 6, "noise": 0.3}
    mean, square = (attribute(name, case, **options) for name in ("smoothgrad", "smoothgrad_squared"))
    assert torch.allclose(attribute("vargrad", case, **options), square - mean**2, atol=1e-4 * square.max().item())


def test_the_base_is_part_of_the_code_that_made_a_map():
    files = registry.files("methods", "x", {"file": "smoothgrad", "options": {"base": "lrp_epsilon_plus_flat"}})
    assert [path.stem for path in files] == ["smoothgrad", "lrp_epsilon_plus_flat"]
    assert " zennit=" in provenance.code_digest("attribute.py", *files)


def test_the_settings_take_a_base():
    methods = TINY["methods"] | {"sg_lrp": {"file": "smoothgrad", "options": {"base": "lrp_epsilon_plus"}}}
    assert config.complete(changed(methods=methods))["methods"]["sg_lrp"]["options"]["base"] == "lrp_epsilon_plus"


def test_a_linear_model_has_no_variance_under_input_noise(case):
    _, images, targets, _ = case
    model = nn.Sequential(nn.Flatten(), nn.Linear(18 * 24, 3))
    found = registry.load("methods", "vargrad", {}).attribute(model, images, targets)
    assert found.abs().max() < 1e-12


def test_captums_noise_tunnel_averages_magnitudes_where_smoothgrad_averages_gradients():
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 2))
    images, targets = torch.rand(3, 1, 2, 3), torch.tensor([0, 1, 0])
    weights = model[1].weight.detach()[targets].reshape(images.shape)
    theirs = NoiseTunnel(Saliency(model)).attribute(images, nt_samples=4, stdevs=0.1, target=targets)
    assert torch.allclose(theirs, weights.abs(), atol=1e-6)
    ours = registry.load("methods", "smoothgrad", {}).attribute(model, images, targets, samples=4)
    assert torch.allclose(ours, weights, atol=1e-6)
