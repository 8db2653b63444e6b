"""The contract of every file in methods/ (a new method is tested by being there), and what each must give by hand."""

import inspect
from contextlib import suppress

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from saliency_benchmark import artifacts, attribution, gradients, registry
from saliency_benchmark.explaining import ensembles
from saliency_benchmark.layers import feature_layer
from saliency_benchmark.models import small_cnn

# Methods for transformers are tested on them (test_attention.py, test_families.py).
METHODS = [name for name in registry.names("methods") if registry.load("methods", name, {}).GROUP != "attention"]
ASKING = [name for name in METHODS if registry.load("methods", name, {}).GROUP != "controls"]
NOISY = ["smoothgrad", "smoothgrad_squared", "vargrad"]
RULES = ["gausslegendre", "riemann_trapezoid", "riemann_left", "riemann_right", "riemann_middle"]
SHAPES = [(1, 12, 20), (3, 21, 16)]


class Fuse(nn.Module):
    """Passes everything on, but fails at its CALL-th forward pass, or at the first backward pass if CALL is 0."""

    def __init__(self, call):
        super().__init__()
        self.left, self.backward = call, call == 0

    def forward(self, values):
        self.left -= 1
        if self.left == 0:
            raise RuntimeError("the fuse has blown")
        if self.backward and values.requires_grad:
            values.register_hook(self._blow)
        return values

    def _blow(self, gradient):
        raise RuntimeError("the fuse has blown")


def explained(name, classifier, images, targets, regions=None, **options):
    """Maps of the method NAME as the workflow calls it."""
    attribute = registry.load("methods", name, {}).attribute
    regions = np.zeros((len(images), *images.shape[2:]), bool) if regions is None else regions
    background = torch.randn((5, *images.shape[1:]), generator=torch.Generator().manual_seed(5))
    given = {"regions": regions, "background": background}
    return attribution.maps_of(attribute, classifier, images, targets, given=given, **options)


def network_for(shape, seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return small_cnn.build(shape, 4, width=4)


@pytest.fixture
def untrained(plain):
    def make(shape, *more):
        network = network_for(shape)
        for number, module in enumerate(more):
            network.add_module(f"more{number}", module)
        return plain(network, "block3.2", shape[0])

    return make


def state(network):
    """All that a method could leave changed, in comparable form."""
    stored = [*network.named_parameters(), *network.named_buffers()]
    return {
        "modes": [module.training for module in network.modules()],
        "hooks": [
            {key: list(value) for key, value in vars(module).items() if "hooks" in key and isinstance(value, dict)}
            for module in network.modules()
        ],
        "values": {name: value.detach().numpy().tobytes() for name, value in stored},
        "requires_grad": {name: value.requires_grad for name, value in stored},
        "gradients": {name: None if value.grad is None else value.grad.tolist() for name, value in stored},
    }


def unusual(network):
    """NETWORK in a state that no method would choose."""
    network.train()
    network.block2.eval()
    network.block1[0].weight.requires_grad_(False)
    network.classify.weight.grad = torch.ones_like(network.classify.weight)
    network.block2[2].register_forward_hook(lambda module, inputs, output: None)
    return network


def close(maps, others):
    """Equal but for rounding: 1e-4 of the largest value of an image's map."""
    scale = maps.flatten(1).abs().amax(1).clamp(min=1e-12)
    return ((maps - others).flatten(1).abs().amax(1) <= 1e-4 * scale).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", METHODS)
def test_gives_one_finite_map_per_image_even_where_the_image_is_empty(name, shape, untrained, draw):
    images = torch.cat([draw(3, *shape), torch.zeros(2, *shape)])
    maps = explained(name, untrained(shape), images, torch.tensor([0, 1, 2, 3, 0]))
    assert maps.shape in [(5, *shape), (5, *shape[1:])]
    assert maps.dtype == torch.float32
    assert maps.isfinite().all()


@pytest.mark.parametrize("name", METHODS)
def test_a_map_does_not_depend_on_its_batch(name, classifier, images, inputs, targets):
    def maps(block):
        return explained(name, classifier, inputs[block], targets[block], images["region"][block])

    together = maps(slice(0, 7))
    assert close(together, torch.cat([maps(slice(at, at + 1)) for at in range(7)]))
    assert close(together, torch.cat([maps(slice(0, 4)), maps(slice(4, 7))]))


@pytest.mark.parametrize("target", ["prediction", "label"])
def test_the_workflow_gets_these_maps_whatever_its_batches(target, tmp_path, classifier, images, targets):
    few = {name: values[:11] for name, values in images.items()}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, few, {})
    methods, found = {"x": attribution.method("smoothgrad", {"options": {"samples": 2}})}, {}
    for rows in (64, 4):
        with (
            artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as shown,
            artifacts.Writer(tmp_path / f"{rows}.h5", artifacts.MAPS, {}) as maps,
        ):
            attribution.explain(methods, classifier, shown, {"x": maps}, target=target, rows=rows)
        found[rows] = artifacts.read(tmp_path / f"{rows}.h5", artifacts.MAPS)
    classes = targets[:11] if target == "prediction" else torch.from_numpy(few["label"]).long()
    expected = explained("smoothgrad", classifier, classifier.normalise(few["data"]), classes, samples=2)
    for maps in found.values():
        assert close(torch.from_numpy(maps["attribution"]), expected)
        assert np.array_equal(maps["target"], classes)
        assert np.array_equal(maps["prediction"].argmax(1), targets[:11])
        assert np.array_equal(maps["label"], few["label"])
        assert np.array_equal(maps["index"], few["index"])


@pytest.mark.parametrize("name", METHODS)
def test_gives_the_same_bytes_twice_and_leaves_the_images_alone(name, classifier, images, inputs, targets):
    shown = inputs[:5].clone()
    first, second = (explained(name, classifier, shown, targets[:5], images["region"][:5]) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(shown, inputs[:5])
    assert not shown.requires_grad
    assert not first.requires_grad


@pytest.mark.parametrize("name", METHODS)
def test_leaves_the_model_as_it_was(name, untrained, draw):
    model = untrained((3, 12, 20))
    before = state(unusual(model.network))
    explained(name, model, draw(3, 3, 12, 20), torch.tensor([0, 1, 2]))
    assert state(model.network) == before


@pytest.mark.parametrize("call", [0, 1, 2], ids=["in backward", "at once", "in the middle"])
@pytest.mark.parametrize("name", METHODS)
def test_leaves_the_model_as_it_was_after_an_error(name, call, untrained, draw):
    model = untrained((3, 12, 20), Fuse(call))
    before = state(unusual(model.network))
    with suppress(RuntimeError):
        explained(name, model, draw(3, 3, 12, 20), torch.tensor([0, 1, 2]))
    assert state(model.network) == before


@pytest.mark.parametrize("name", ASKING)
def test_an_error_of_the_model_is_the_callers_to_see(name, untrained, draw):
    with pytest.raises(RuntimeError, match="fuse"):
        explained(name, untrained((3, 12, 20), Fuse(1)), draw(2, 3, 12, 20), torch.tensor([0, 1]))


@pytest.mark.parametrize("name", ASKING)
def test_a_class_that_is_not_there_is_refused_and_the_model_restored(name, untrained, draw):
    model = untrained((3, 12, 20))
    before = state(unusual(model.network))
    with pytest.raises((RuntimeError, IndexError, AssertionError)):
        explained(name, model, draw(2, 3, 12, 20), torch.tensor([0, 9]))
    assert state(model.network) == before


def test_a_careless_method_leaves_no_trace(untrained, draw):
    def attribute(model, images, targets):
        model.train()
        model.requires_grad_(True)
        model.block1.register_forward_hook(lambda module, inputs, output: None)
        model.block2.register_forward_pre_hook(lambda module, inputs: None)
        model.block3.register_full_backward_hook(lambda module, inputs, outputs: None)
        model.block3.eval()
        model.eval()(images).sum().backward()
        return images

    model = untrained((3, 12, 20))
    before = state(unusual(model.network))
    attribution.maps_of(attribute, model, draw(2, 3, 12, 20), torch.tensor([0, 1]))
    assert state(model.network) == before


def test_a_map_of_another_shape_is_refused(untrained, draw):
    with pytest.raises(ValueError, match=r"maps of shape \(2, 5\)"):
        attribution.maps_of(lambda *_: torch.zeros(2, 5), untrained(SHAPES[0]), draw(2, *SHAPES[0]), torch.zeros(2))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_methods_on_a_linear_model_have_closed_forms(shape, linear, draw):
    model, images, targets = linear(shape), draw(4, *shape), torch.tensor([0, 1, 2, 1])
    weights = model.network[1].weight.detach()[targets].reshape(images.shape)

    def maps(name, **options):
        return explained(name, model, images, targets, **options)

    assert torch.equal(maps("gradient"), weights)
    assert torch.equal(maps("input_x_gradient"), weights * images)
    assert torch.allclose(maps("smoothgrad"), weights, rtol=1e-6)
    assert torch.allclose(maps("smoothgrad_squared"), weights**2, rtol=1e-6)
    assert torch.equal(maps("vargrad"), torch.zeros_like(images))


@pytest.mark.parametrize("steps", [2, 7])
@pytest.mark.parametrize("rule", RULES)
def test_integrated_gradients_of_a_linear_model_are_complete_and_input_times_weight(rule, steps, linear, draw):
    shape, targets = (3, 5, 7), torch.tensor([0, 1, 2, 1])
    model, images = linear(shape), draw(4, *shape)
    maps = explained("integrated_gradients", model, images, targets, steps=steps, rule=rule)
    assert torch.allclose(maps, images * model.network[1].weight.detach()[targets].reshape(images.shape), atol=1e-5)
    with torch.no_grad():
        gain = (model.network(images) - model.network(torch.zeros_like(images)))[torch.arange(4), targets]
    assert torch.allclose(maps.sum((1, 2, 3)), gain, atol=1e-4)


@pytest.mark.parametrize(("rule", "offset"), [("riemann_left", 0.0), ("riemann_middle", 0.5), ("riemann_right", 1.0)])
def test_integrated_gradients_are_a_sum_over_the_straight_path(rule, offset, classifier, inputs, targets):
    maps = explained("integrated_gradients", classifier, inputs[:4], targets[:4], steps=6, rule=rule)
    path = [inputs[:4] * (step + offset) / 6 for step in range(6)]
    summed = sum(gradients.gradient(classifier.network, images, targets[:4]) for images in path)
    assert close(maps, inputs[:4] * summed / 6)


def test_integrated_gradients_of_a_network_complete_with_many_steps(classifier, inputs, targets):
    maps = explained("integrated_gradients", classifier, inputs[:4], targets[:4], steps=300)
    with torch.no_grad():
        gain = classifier.network(inputs[:4]) - classifier.network(torch.zeros_like(inputs[:4]))
    assert torch.allclose(maps.sum((1, 2, 3)), gain.gather(1, targets[:4, None])[:, 0], rtol=0.01, atol=0.01)


@pytest.mark.parametrize(("shape", "window"), [((1, 8, 12), 4), ((3, 10, 7), 3), ((2, 3, 5), 9)])
def test_occlusion_of_a_linear_model_is_the_windows_weight_times_value(shape, window, linear, draw):
    model, images, targets = linear(shape), draw(3, *shape), torch.tensor([2, 0, 1])
    maps = explained("occlusion", model, images, targets, window=window)
    product = (images * model.network[1].weight.detach()[targets].reshape(images.shape)).sum(1)
    for top in range(0, shape[1], window):
        for left in range(0, shape[2], window):
            here = (slice(None), slice(top, top + window), slice(left, left + window))
            drop = product[here].sum((1, 2), keepdim=True)
            assert torch.allclose(maps[here], drop.expand_as(maps[here]), atol=1e-4)


def test_smoothgrad_without_noise_is_the_gradient(classifier, inputs, targets):
    gradient = explained("gradient", classifier, inputs[:4], targets[:4])
    smooth, squared, variance = (
        explained(name, classifier, inputs[:4], targets[:4], noise=0.0, samples=4) for name in NOISY
    )
    assert torch.allclose(smooth, gradient, rtol=1e-5)
    assert torch.allclose(squared, gradient**2, rtol=1e-5)
    assert torch.equal(variance, torch.zeros_like(gradient))


def test_the_variance_is_the_mean_square_less_the_squared_mean(classifier, inputs, targets):
    smooth, squared, variance = (explained(name, classifier, inputs[:4], targets[:4], seed=3) for name in NOISY)
    assert close(variance, squared - smooth**2)
    assert (variance >= 0).all()


@pytest.mark.parametrize("name", NOISY)
def test_another_seed_is_other_noise(name, classifier, inputs, targets):
    first, second = (explained(name, classifier, inputs[:2], targets[:2], seed=seed) for seed in (0, 1))
    assert not torch.equal(first, second)


def test_the_noise_is_a_share_of_each_images_own_range():
    images = torch.stack([torch.linspace(0, 1, 600).reshape(3, 10, 20), torch.linspace(-4, 4, 600).reshape(3, 10, 20)])
    copies = ensembles.noisy(lambda model, shown, targets: shown, None, images, torch.zeros(2), 40, 0.15, 0)
    noise = torch.stack([copy - images for copy in copies]).transpose(0, 1).flatten(1)
    error = 4 / (2 * noise.shape[1]) ** 0.5  # four standard errors of a deviation, relative
    assert torch.allclose(noise.std(1), torch.tensor([0.15, 0.15 * 8]), rtol=error)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_all_relevance_of_a_network_without_biases_sums_to_one(shape, untrained, draw):
    model = untrained(shape)
    nn.init.zeros_(model.network.classify.bias)
    maps = explained("lrp_epsilon_plus", model, draw(4, *shape), torch.arange(4))
    assert torch.allclose(maps.sum((1, 2, 3)), torch.ones(4), atol=1e-3)


def test_relevance_of_a_linear_model_is_each_pixels_share_of_the_logit(linear, draw):
    model, images, targets = linear((2, 3, 4)), draw(3, 2, 3, 4), torch.tensor([2, 0, 1])
    with torch.no_grad():
        logits = model.network(images).gather(1, targets[:, None])[..., None, None]
    product = images * model.network[1].weight.detach()[targets].reshape(images.shape)
    assert torch.allclose(explained("lrp_epsilon_plus", model, images, targets), product / logits, rtol=1e-4)


def test_relevance_sees_batch_norm_as_part_of_the_convolution_before_it(plain, draw):
    network = network_for((3, 12, 20)).eval()
    for block in (network.block1, network.block2, network.block3):
        for number, values in enumerate((block[1].running_mean, block[1].weight.data, block[1].bias.data)):
            values.copy_(draw(len(values), seed=number) / 2 + (number == 1))
    merged = network_for((3, 12, 20)).eval()
    merged.load_state_dict(network.state_dict())
    for block in (merged.block1, merged.block2, merged.block3):
        block[0], block[1] = fuse_conv_bn_eval(block[0], block[1]), nn.Identity()
    images = draw(4, 3, 12, 20)
    whole, parts = (
        explained("lrp_epsilon_plus", plain(each, channels=3), images, torch.arange(4)) for each in (network, merged)
    )
    assert close(whole, parts)


def test_guided_backprop_by_hand(plain, draw):
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 3))
    images, targets = draw(4, 1, 2, 3), torch.tensor([0, 1, 2, 0])
    first, last = network[1].weight.detach(), network[3].weight.detach()
    alive = network[1](images.flatten(1)) > 0
    by_hand = (last[targets].clamp(min=0) * alive) @ first
    assert torch.allclose(explained("guided_backprop", plain(network), images, targets), by_hand.reshape(images.shape))


def test_guided_backprop_needs_a_call_of_relu(linear, draw):
    with pytest.raises(ValueError, match="calls no ReLU"):
        explained("guided_backprop", linear((1, 2, 3)), draw(1, 1, 2, 3), torch.tensor([0]))


def test_a_relu_that_is_called_twice_guides_twice(plain, draw):
    first, second, relu = nn.Linear(6, 5), nn.Linear(5, 3), nn.ReLU()
    one, two = (
        plain(nn.Sequential(nn.Flatten(), first, relu, second, last, nn.Linear(3, 2))) for last in (relu, nn.ReLU())
    )
    two.network[5].load_state_dict(one.network[5].state_dict())
    images, targets = draw(4, 1, 2, 3), torch.tensor([0, 1, 1, 0])
    assert torch.equal(*(explained("guided_backprop", each, images, targets) for each in (one, two)))


@pytest.mark.parametrize("relu", [True, False])
def test_grad_cam_by_hand(relu, classifier, inputs, targets):
    network = classifier.network
    features = network.block3(network.block2(network.block1(inputs[:5]))).detach().requires_grad_(True)
    logits = network.classify(network.flatten(network.pool(features)))
    (slope,) = torch.autograd.grad(logits.gather(1, targets[:5, None]).sum(), features)
    cam = (slope.mean((2, 3), keepdim=True) * features.detach()).sum(1, keepdim=True)
    drawn = functional.interpolate(cam.relu() if relu else cam, inputs.shape[2:], mode="bilinear", align_corners=False)
    assert classifier.layer == feature_layer(network, tuple(inputs.shape[1:])) == "block3"
    assert close(explained("grad_cam", classifier, inputs[:5], targets[:5], relu=relu), drawn[:, 0])


def test_sobel_is_scipys_with_a_repeated_border(untrained, draw):
    images = draw(3, 3, 12, 20)
    maps = explained("sobel", untrained((3, 12, 20)), images, torch.zeros(3, dtype=torch.long))
    for image, found in zip(images.numpy().mean(1), maps.numpy(), strict=True):
        edges = [ndimage.sobel(image, axis, mode="nearest") for axis in (0, 1)]
        assert np.allclose(found, np.hypot(*edges), atol=1e-5)


def test_the_random_control_is_uniform_and_asks_nobody(classifier, inputs, targets, linear):
    maps = explained("random", classifier, inputs, targets)
    assert stats.kstest(maps.numpy().ravel(), "uniform").pvalue > 0.001
    assert maps.unique(dim=0).shape == maps.shape
    assert torch.equal(maps, explained("random", linear(inputs.shape[1:]), inputs, 0 * targets))
    assert not torch.equal(maps, explained("random", classifier, inputs, targets, seed=1))


def test_the_oracle_is_the_region(classifier, images, inputs, targets):
    maps = explained("oracle", classifier, inputs, targets, images["region"])
    assert np.array_equal(maps.numpy(), images["region"])


@pytest.mark.parametrize("name", METHODS)
def test_names_its_group_and_says_whether_it_needs_regions(name):
    method = registry.load("methods", name, {})
    wants = "regions" in inspect.signature(method.attribute).parameters
    assert isinstance(method.GROUP, str)
    assert wants == getattr(method, "NEEDS_REGIONS", False)


@pytest.mark.parametrize("name", ["occlusion", "gradient"])
def test_stored_maps_have_the_axes_that_the_virelay_viewer_takes(name, classifier, images, tmp_path):
    few = {key: array[:3] for key, array in images.items()}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, few, {})
    with (
        artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as shown,
        artifacts.Writer(tmp_path / "maps.h5", artifacts.MAPS, {}) as maps,
    ):
        attribution.explain({name: attribution.method(name, {})}, classifier, shown, {name: maps})
    stored = artifacts.read(tmp_path / "maps.h5", artifacts.MAPS)["attribution"]
    assert stored.shape == (3, 1 if name == "occlusion" else 3, *few["data"].shape[2:])
    assert all(np.argmin(one.shape) == 0 for one in stored)
