"""Integrated and expected gradients, guided backprop, DeconvNet, FullGrad, two controls: laws, and captum as oracle."""

import warnings
import weakref

import captum.attr
import numpy as np
import pytest
import torch
from captum.attr._utils.approximation_methods import approximation_parameters
from scipy import ndimage
from torch import nn
from torch.nn import functional

from saliency_benchmark import batching, gradients, registry, sharing
from saliency_benchmark.explaining import baselines, full_gradient, paths
from tests import small

RELU_FAMILIES = ["cnn", "resnet", "densenet", "vgg"]
GUIDED = {"guided_backprop": captum.attr.GuidedBackprop, "deconvnet": captum.attr.Deconvolution}
COLOURS = {"black": torch.tensor([-2.0, -1.5, -1.0]), "white": torch.tensor([2.0, 2.5, 3.0])}


def attribute(name, model, images, targets, **options):
    return registry.load("methods", name, {}).attribute(model, images, targets, **options)


def total(name, model, images, targets, **options):
    return registry.load("methods", name, {}).total(model, images, targets, **options)


def frozen(network):
    return network.double().eval().requires_grad_(False)


def drawn(make):
    """What MAKE builds from torch's global chance, seeded and in double precision."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return frozen(make())


@pytest.fixture(scope="module")
def case():
    """A small network of every family, its images and targets, in double precision."""
    return lambda family: (frozen(small.network(family)), small.images(family).double(), torch.tensor([0, 3, 1]))


def by_captum(peer, model, images, targets, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peer(model).attribute(images.clone().requires_grad_(True), target=targets, **options).detach()


def near(found, expected, tolerance=1e-10):
    """Equal to TOLERANCE of the largest value."""
    return ((found - expected).abs().max() <= tolerance * expected.abs().max()).item()


@pytest.mark.parametrize("steps", [2, 3, 32])
@pytest.mark.parametrize("rule", paths.RULES)
def test_the_weights_of_every_rule_sum_to_one_where_captums_trapezoid_does_not(rule, steps):
    positions, weights = paths.quadrature(rule, steps)
    theirs, their_positions = (part(steps) for part in approximation_parameters(rule))
    assert np.isclose(weights.sum(), 1, atol=1e-12)
    assert np.allclose(positions, their_positions, atol=1e-7)
    share = (steps - 1) / steps if rule == "riemann_trapezoid" else 1
    assert np.isclose(sum(theirs), share, atol=1e-12)
    assert np.allclose(weights * share, theirs, atol=1e-12)


@pytest.mark.parametrize(("rule", "steps"), [("simpson", 4), ("riemann_trapezoid", 1), ("gausslegendre", 0)])
def test_rules_that_do_not_exist_or_lack_steps_are_refused(rule, steps):
    with pytest.raises(ValueError, match=r"wanted: at least|there are: "):
        paths.quadrature(rule, steps)


@pytest.mark.parametrize("family", ["cnn", "vit"])
@pytest.mark.parametrize("rule", paths.RULES)
def test_integrated_gradients_are_captums_but_for_its_trapezoid_weights(rule, family, case):
    model, images, targets = case(family)
    begin = images.flip(0) / 2
    theirs = by_captum(captum.attr.IntegratedGradients, model, images, targets, baselines=begin, n_steps=5, method=rule)
    found = paths.integrated(model, images, targets, begin, rule, 5)
    # captum's positions are rounded to single precision.
    assert near(found * (4 / 5 if rule == "riemann_trapezoid" else 1), theirs, 1e-6)


@pytest.mark.parametrize("name", baselines.BASELINES)
def test_integrated_gradients_from_any_baseline_sum_to_the_gain(name, case):
    model, images, targets = case("swin")
    options = {"baseline": name, **{key: value.double() for key, value in COLOURS.items()}}
    expected = total("integrated_gradients", model, images, targets, **options)
    begin = baselines.baseline(name, images, options["black"], options["white"])
    gain = model(images) - model(begin)
    assert torch.allclose(expected, gain.gather(1, targets[:, None])[:, 0], atol=1e-12)
    found = attribute("integrated_gradients", model, images, targets, steps=40, **options)
    assert torch.allclose(found.sum((1, 2, 3)), expected, rtol=1e-3, atol=1e-5)


def test_baselines_are_what_they_are_called(draw):
    images = draw(2, 3, 12, 17).contiguous(memory_format=torch.channels_last)
    found = {name: baselines.baseline(name, images, **COLOURS) for name in baselines.BASELINES}
    assert all(each.is_contiguous(memory_format=torch.channels_last) for each in found.values())
    assert torch.equal(found["mean"], torch.zeros_like(images))
    for name, colour in COLOURS.items():
        assert torch.equal(found[name], colour[:, None, None].expand_as(images))
    assert torch.allclose(found["image_mean"][1, 2], images[1, 2].mean())
    assert torch.allclose(found["blur"][0, 1, 6, 8], images[0, 1, 2:11, 4:13].mean(), atol=1e-6)
    with pytest.raises(ValueError, match="no baseline 'noise'"):
        baselines.baseline("noise", images)
    with pytest.raises(ValueError, match="hand over `white`"):
        baselines.baseline("white", images)


@pytest.mark.parametrize(("rows", "largest"), [(64, 21 * 3), (8, 6), (3, 3), (1, 3)])
@pytest.mark.parametrize("name", ["integrated_gradients", "expected_gradients", "gradient_shap"])
def test_steps_run_beside_each_other_only_as_far_as_they_fit_and_none_is_kept(name, rows, largest, case):
    model, images, targets = case("cnn")
    sizes, alive, most = [], [], [0]

    def note(module, inputs):
        most[0] = max(most[0], sum(one() is not None for one in alive))
        sizes.append(len(inputs[0]))
        alive.append(weakref.ref(inputs[0]))

    handle = model.register_forward_pre_hook(note)
    options = {"steps": 30} if name == "integrated_gradients" else {"samples": 30, "background": images}
    with batching.limited(rows), sharing.shared():
        found = attribute(name, model, images, targets, **options)
    handle.remove()
    assert sum(sizes) == 90
    assert max(sizes) == largest
    assert most[0] <= 1
    assert near(found, attribute(name, model, images, targets, **options))


def test_expected_gradients_of_a_linear_model_are_weight_times_distance_from_the_drawn_baselines(linear, draw):
    model, images, targets = linear((2, 3, 4)).network.double(), draw(3, 2, 3, 4).double(), torch.tensor([2, 0, 1])
    background = torch.tensor([0.0, 1, 100, 10000]).double()[:, None, None, None].expand(4, 2, 3, 4)
    found = attribute("expected_gradients", model, images, targets, background=background, samples=20)
    weights = model[1].weight.detach()[targets].reshape(images.shape)
    sums = ((images - found / weights) * 20).flatten(1)
    assert torch.allclose(sums, sums[:, :1], rtol=1e-9)
    counts = torch.stack([sums[:, 0] // 10000, sums[:, 0] % 10000 // 100, sums[:, 0].round() % 100], 1)
    assert torch.allclose(counts @ torch.tensor([10000.0, 100, 1]).double(), sums[:, 0], rtol=1e-9)
    assert (counts.sum(1) <= 20).all()  # the rest of the 20 drew the baseline 0
    assert (counts > 0).all()
    assert counts.unique(dim=0).shape == counts.shape  # each image draws its own


def test_the_mean_of_many_expected_gradients_sums_to_what_it_should(case):
    model, images, targets = case("cnn")
    background = small.images("cnn", 6, seed=3).double()
    expected = total("expected_gradients", model, images, targets, background=background)
    by_hand = model(images).gather(1, targets[:, None])[:, 0] - model(background).mean(0)[targets]
    assert torch.allclose(expected, by_hand, atol=1e-12)

    def sums(samples, seeds):
        options = {"background": background, "samples": samples}
        maps = [attribute("expected_gradients", model, images, targets, seed=seed, **options) for seed in range(seeds)]
        return torch.stack(maps).sum((2, 3, 4))

    single, several = sums(1, 150), sums(16, 40)
    for found in (single, several):
        error = found.std(0) / len(found) ** 0.5
        assert ((found.mean(0) - expected).abs() < 4 * error).all()
    # The deviation falls as 1 / sqrt(samples); that of 40 runs is known to about 1 / sqrt(80) of itself.
    assert torch.allclose(several.std(0) * 4, single.std(0), rtol=0.4)


def test_expected_gradients_from_one_baseline_approach_integrated_gradients(case):
    model, images, targets = case("cnn")
    begin = small.images("cnn", 1, seed=4).double()
    exact = paths.integrated(model, images, targets, begin.expand_as(images), "gausslegendre", 100)

    def error(samples):
        found = attribute("expected_gradients", model, images, targets, background=begin, samples=samples)
        return (found - exact).norm() / exact.norm()

    assert error(16) > 0.1
    assert error(576) < 0.33 * error(16)  # 1 / 6 is expected


def test_gradient_shap_without_noise_is_expected_gradients_and_on_a_linear_model_captums(linear, draw):
    model, images, targets = linear((2, 3, 4)).network.double(), draw(3, 2, 3, 4).double(), torch.tensor([2, 0, 1])
    background = draw(1, 2, 3, 4, seed=1).double()
    found = attribute("gradient_shap", model, images, targets, background=background, noise=0.0)
    assert torch.equal(found, attribute("expected_gradients", model, images, targets, background=background))
    assert near(found, by_captum(captum.attr.GradientShap, model, images, targets, baselines=background))


def test_the_noise_of_gradient_shap_is_a_share_of_each_images_range(linear):
    model = linear((2, 20, 25)).network
    images = torch.stack([torch.linspace(0, 1, 1000), torch.linspace(-4, 4, 1000)]).reshape(2, 2, 20, 25)
    nothing, weights = torch.zeros(1, 2, 20, 25), model[1].weight.detach()[0].reshape(2, 20, 25)
    options = {"background": nothing, "noise": 0.2, "samples": 16}
    found = attribute("gradient_shap", model, images, torch.tensor([0, 0]), **options)
    spread = (found / weights - images).flatten(1).std(1) * 4  # the mean of 16 has a quarter of the deviation
    assert torch.allclose(spread, torch.tensor([0.2, 1.6]), rtol=4 / 2000**0.5)


@pytest.mark.parametrize("family", ["cnn", "vgg", "resnet"])
@pytest.mark.parametrize("name", GUIDED)
def test_guided_rules_are_captums_where_relus_are_modules(name, family, case):
    model, images, targets = case(family)
    found, theirs = attribute(name, model, images, targets), by_captum(GUIDED[name], model, images, targets)
    assert near(found, theirs)
    assert not near(found, gradients.slope(model, images, targets), 0.01)


class Functional(nn.Module):
    """Convolution, ReLU (or another ACTIVATION), dense; as a module, by a function, or in place."""

    def __init__(self, way, activation=functional.relu):
        super().__init__()
        self.first, self.last, self.module = nn.Conv2d(3, 4, 3), nn.Linear(4, 4), nn.ReLU()
        self.way, self.activation = way, activation

    def forward(self, images):
        values = self.first(images)
        if self.way == "module":
            values = self.module(values)
        elif self.way == "function":
            values = self.activation(values)
        elif self.way == "in place, result unused":
            functional.relu_(values)
        else:
            values = torch.relu_(values.add_(0))
        return self.last(values.mean((2, 3)))


@pytest.mark.parametrize("way", ["function", "in place, result unused", "in place"])
@pytest.mark.parametrize("name", GUIDED)
def test_guided_rules_reach_every_relu_where_captum_sees_modules_only(name, way, draw):
    one, other = drawn(lambda: Functional("module")), drawn(lambda: Functional(way))
    images, targets = draw(3, 3, 8, 9).double(), torch.tensor([0, 3, 1])
    assert torch.allclose(one(images), other(images), atol=1e-12)
    expected = attribute(name, one, images, targets)
    assert near(attribute(name, other, images, targets), expected)
    assert near(expected, by_captum(GUIDED[name], one, images, targets))
    assert not near(by_captum(GUIDED[name], other, images, targets), expected, 0.05)


@pytest.mark.parametrize("name", GUIDED)
def test_torchvisions_densenet_ends_in_a_functional_relu_where_captum_gives_another_map(name, case):
    model, images, targets = case("densenet")
    assert not near(by_captum(GUIDED[name], model, images, targets), attribute(name, model, images, targets), 0.05)


@pytest.mark.parametrize(
    ("activation", "guides"),
    [
        (functional.relu6, True),
        (nn.ReLU6(inplace=True), True),
        (nn.Hardtanh(0, 2), True),
        (nn.Hardtanh(), False),
        (functional.silu, False),
        (functional.hardswish, False),
        (nn.LeakyReLU(0.1), False),
    ],
)
def test_a_relu_with_an_upper_bound_guides_and_no_other_activation_does(activation, guides, draw):
    model = drawn(lambda: nn.Sequential(Functional("function", activation), nn.ReLU(), nn.Linear(4, 4)))
    images, targets = draw(3, 3, 8, 9).double(), torch.tensor([0, 3, 1])
    plain, guided = gradients.slope(model[0], images, targets), registry.load("methods", "guided_backprop", {})
    if not guides:
        with pytest.raises(ValueError, match="calls no ReLU"):
            guided.attribute(model[0], images, targets)
        assert "calls no ReLU" in guided.unsuited(model[0], (3, 8, 9))
        return
    assert guided.unsuited(model[0], (3, 8, 9)) is None
    assert not near(guided.attribute(model[0], images, targets), plain, 0.05)


@pytest.mark.parametrize("name", [*GUIDED, "guided_grad_cam"])
def test_guided_rules_refuse_the_families_without_a_relu(name):
    unsuited = registry.load("methods", name, {}).unsuited
    reasons = {family: unsuited(small.network(family), small.SHAPES[family]) for family in small.FAMILIES}
    assert [family for family, reason in reasons.items() if reason is None] == ["cnn", "resnet", "densenet", "vgg"]
    assert all("use another method" in reason for reason in reasons.values() if reason)


def test_relus_of_constants_do_not_count(draw):
    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.bias, self.last = nn.Parameter(torch.ones(4)), nn.Linear(4, 4)

        def forward(self, images):
            return self.last(images.mean((2, 3)).tanh() + self.bias.relu())

    assert "calls no ReLU" in registry.load("methods", "deconvnet", {}).unsuited(drawn(Constant), (4, 3, 3))


@pytest.mark.parametrize("family", RELU_FAMILIES)
def test_the_full_gradient_of_a_relu_network_sums_to_its_output(family, case):
    model, images, targets = case(family)
    whole, terms = full_gradient.decompose(model, images, targets)
    parts = torch.stack([each.flatten(1).sum(1) for each in (whole, *terms)])
    assert torch.allclose(parts.sum(0), gradients.chosen(model(images), targets), atol=1e-9)
    assert ((parts != 0).any(1)).sum() > len(parts) / 2


def test_a_clipped_activation_has_the_bias_at_which_it_is_clipped(draw):
    model = drawn(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU6(inplace=True), nn.Flatten(), nn.Linear(4 * 42, 4)))
    images, targets = 10 * draw(3, 3, 8, 9).double(), torch.tensor([0, 3, 1])
    whole, terms = full_gradient.decompose(model, images, targets)
    assert len(terms) == 3
    assert (terms[1] != 0).any()
    parts = torch.stack([each.flatten(1).sum(1) for each in (whole, *terms)])
    assert torch.allclose(parts.sum(0), gradients.chosen(model(images), targets), atol=1e-10)


def test_the_terms_of_a_full_gradient_by_hand():
    model = nn.Sequential(nn.Conv2d(1, 1, 1), nn.ReLU(), nn.Flatten(), nn.Linear(2, 1))
    for module, weight, bias in ((model[0], 2.0, -1.0), (model[3], 3.0, 5.0)):
        nn.init.constant_(module.weight, weight)
        nn.init.constant_(module.bias, bias)
    whole, (conv, dense) = full_gradient.decompose(model, torch.tensor([[[[2.0, 0.25]]]]), torch.tensor([0]))
    # The second pixel's ReLU is closed: 2 * 2 * 3 - 1 * 3 + 5 = 14.
    assert whole.flatten().tolist() == [12, 0]
    assert conv.flatten().tolist() == [-3, 0]
    assert dense.flatten().tolist() == [5]


def test_fullgrad_draws_each_layers_magnitudes_scaled_to_one(case):
    model, images, targets = case("vgg")
    whole, terms = full_gradient.decompose(model, images, targets)
    expected = torch.zeros(3, 32, 48).double()
    for term in (each.abs() for each in (whole, *terms) if each.ndim == 4):
        for image, one in zip(expected, term, strict=True):
            scaled = (one - one.min()) / (one.max() - one.min())
            image += functional.interpolate(scaled[None], (32, 48), mode="bilinear", align_corners=False)[0].sum(0)
    assert near(attribute("fullgrad", model, images, targets), expected)


def test_fullgrad_refuses_what_is_not_piecewise_linear():
    unsuited = registry.load("methods", "fullgrad", {}).unsuited
    reasons = {family: unsuited(small.network(family), small.SHAPES[family]) for family in small.FAMILIES}
    assert [family for family, reason in reasons.items() if reason is None] == RELU_FAMILIES
    assert all("not piecewise linear" in reason for reason in reasons.values() if reason)
    assert "logit" in unsuited(small.network("cnn"), small.SHAPES["cnn"], output="probability")


@pytest.mark.parametrize("sigma", [0.7, 2.0, 6.0])
def test_edges_are_scipys_with_a_repeated_border(sigma, draw):
    images = draw(3, 3, 12, 20)
    maps = attribute("edges", None, images, torch.zeros(3), sigma=sigma)
    for image, found in zip(images.double().numpy().mean(1), maps.numpy(), strict=True):
        expected = ndimage.gaussian_gradient_magnitude(image, sigma, mode="nearest")
        assert np.allclose(found, expected, atol=1e-6)
    with pytest.raises(ValueError, match="positive"):
        attribute("edges", None, images, torch.zeros(3), sigma=0)


def test_the_random_control_is_redrawn_for_every_model_if_asked_for():
    images, targets = small.images("cnn"), torch.tensor([0, 1, 2])
    one, same, other = (small.network("cnn", seed) for seed in (0, 0, 1))

    def maps(model, **options):
        return attribute("random", model, images, targets, **options)

    assert torch.equal(maps(one), maps(other))
    assert torch.equal(maps(one, redraw=True), maps(same, redraw=True))
    assert torch.equal(maps(one, redraw=True)[1:], attribute("random", one, images[1:], targets[1:], redraw=True))
    assert abs(np.corrcoef(maps(one, redraw=True).ravel(), maps(other, redraw=True).ravel())[0, 1]) < 0.06
    assert not torch.equal(maps(one, redraw=True), maps(one))
    assert not torch.equal(maps(one, redraw=True), maps(one, redraw=True, seed=1))
    with torch.no_grad():
        next(same.parameters()).view(-1)[0] += 1e-3
    assert not torch.equal(maps(one, redraw=True), maps(same, redraw=True))
