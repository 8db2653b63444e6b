"""Methods that hide parts of an image, against closed forms, brute force, scikit-learn and captum."""

from itertools import permutations, product

import captum.attr
import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances
from torch import nn
from torch.nn import functional

from saliency_benchmark import attribution, batching, layers, registry
from saliency_benchmark.explaining import parts, shapley
from saliency_benchmark.methods import lime, rise
from tests import small

FEW = {
    "occlusion": {"window": 11},
    "feature_ablation": {"cell": 11},
    "feature_permutation": {"cell": 11, "samples": 2},
    "rise": {"masks": 20},
    "lime": {"features": "grid", "cell": 11, "samples": 20},
    "kernel_shap": {"features": "grid", "cell": 11, "samples": 20},
    "score_cam": {},
    "ablation_cam": {},
}
BLACK = torch.tensor([-2.0, -1.5, -1.0])


class Pairs(nn.Module):
    """Logits that are no sum over pixels: products of neighbouring columns' means, and a hinge of the whole."""

    def forward(self, images):
        columns = images.mean((1, 2))
        pairs = columns[:, :-1] * columns[:, 1:]
        return torch.stack([pairs.sum(1), (columns.sum(1) - 1).relu() + pairs[:, 0], -pairs.sum(1)], 1)


class Counting(nn.Module):
    """Passes on to a model, and notes how many images each forward pass held."""

    def __init__(self, model):
        super().__init__()
        self.model, self.held = model, []

    def forward(self, images):
        self.held.append(len(images))
        return self.model(images)


def maps(name, model, images, targets, **options):
    return registry.load("methods", name, {}).attribute(model, images, targets, **options)


def scenes(draw, number, *shape):
    """Images with patches of colour, as superpixels need them; SHAPE: channel, row, column."""
    coarse = draw(number, shape[0], 4, 5) * 2
    return functional.interpolate(coarse, shape[1:], mode="bilinear") + draw(number, *shape, seed=1) / 10


def products(model, images, targets, stand_in=0.0):
    """Weight times (value - stand-in) of a linear model, summed over channels."""
    weights = model.network[1].weight.detach()[targets].reshape(images.shape)
    return (weights * (images - stand_in)).sum(1)


def per_part(values, numbers):
    """Sums of pixels over the parts: (image, row, column) -> (image, part)."""
    sums = values.new_zeros(len(values), int(numbers.max()) + 1)
    return sums.scatter_add_(1, numbers.flatten(1), values.flatten(1))


# Occlusion


@pytest.mark.parametrize(("window", "stride"), [(4, 2), (3, 3), ([5, 2], [2, 1]), ([2, 30], None)])
def test_a_pixel_takes_the_mean_drop_of_the_windows_over_it(window, stride, linear, draw):
    shape, targets = (3, 9, 14), torch.tensor([2, 0])
    model, images = linear(shape), draw(2, *shape)
    found = maps("occlusion", model.network, images, targets, window=window, stride=stride, fill="black", black=BLACK)
    gains = products(model, images, targets, BLACK[:, None, None])
    sizes = window if isinstance(window, list) else [window] * 2
    steps = sizes if stride is None else stride if isinstance(stride, list) else [stride] * 2
    summed, number = torch.zeros_like(gains), torch.zeros(shape[1:])
    for top, left in product(*(range(0, max(length - size, 0) + step, step) for length, size, step in
                               zip(shape[1:], sizes, steps, strict=True))):  # fmt: skip
        here = (slice(top, top + sizes[0]), slice(left, left + sizes[1]))
        summed[:, here[0], here[1]] += gains[:, here[0], here[1]].sum((1, 2), keepdim=True)
        number[here] += 1
    assert number.min() >= 1
    assert torch.allclose(found, summed / number, atol=1e-4)


@pytest.mark.parametrize(("window", "stride"), [(8, 8), (8, 4), (9, 5)])
def test_occlusion_is_captums(window, stride):
    network, images, targets = small.network("cnn"), small.images("cnn"), torch.tensor([3, 0, 1])
    wanted = captum.attr.Occlusion(network).attribute(
        images, (3, window, window), (3, stride, stride), 0.0, targets, perturbations_per_eval=16
    )
    found = maps("occlusion", network, images, targets, window=window, stride=stride)
    assert torch.allclose(found, wanted[:, 0], atol=1e-4)


@pytest.mark.parametrize("stride", [5, 0, [2, 5]])
def test_a_stride_that_leaves_pixels_out_is_refused(stride, linear, draw):
    with pytest.raises(ValueError, match="leaves pixels out"):
        maps("occlusion", linear((1, 8, 8)).network, draw(1, 1, 8, 8), torch.tensor([0]), window=4, stride=stride)


def test_black_must_be_known_to_hide_with_it(linear, draw):
    for name in ("occlusion", "kernel_shap"):
        with pytest.raises(ValueError, match="black"):
            maps(name, linear((1, 8, 8)).network, draw(1, 1, 8, 8), torch.tensor([0]), fill="black")


# Parts


@pytest.mark.parametrize("shape", [(3, 40, 56), (1, 40, 56), (2, 17, 9), (3, 1, 1)], ids=str)
def test_superpixels_are_patches_that_an_image_has_alone_and_in_any_batch(shape, draw):
    images = torch.cat([scenes(draw, 2, *shape), torch.zeros(1, *shape)])
    numbers = parts.numbered(images, "superpixels", 0, 12)
    alone = torch.cat([parts.numbered(image[None], "superpixels", 0, 12) for image in images])
    assert torch.equal(numbers, alone)
    for patches, count in zip(numbers, parts.counts(numbers), strict=True):
        assert patches.unique().tolist() == list(range(count))


def test_superpixels_follow_the_edges_of_an_image():
    image = torch.zeros(1, 3, 32, 32)
    image[:, 0, :, 13:] = 1
    numbers = parts.numbered(image, "superpixels", 0, 4)[0]
    assert not set(numbers[:, :13].flatten().tolist()) & set(numbers[:, 13:].flatten().tolist())


def test_an_image_smaller_than_a_cell_is_one_part(draw):
    assert not parts.numbered(draw(2, 1, 3, 4), "grid", 9, 0).any()


def test_unknown_features_are_refused(draw):
    with pytest.raises(ValueError, match="grid, superpixels"):
        parts.numbered(draw(1, 1, 3, 4), "cells", 2, 2)


def test_a_value_is_given_to_each_pixel_of_its_part_or_shared_among_them():
    numbers = torch.tensor([[[0, 0, 1], [0, 2, 2]], [[0, 0, 0], [1, 1, 1]]])
    values = torch.tensor([[6.0, 5.0, 2.0], [3.0, -9.0, 0.0]])
    assert parts.spread(values, numbers).tolist() == [[[6, 6, 5], [6, 2, 2]], [[3, 3, 3], [-9, -9, -9]]]
    assert parts.share(values, numbers).tolist() == [[[2, 2, 5], [2, 1, 1]], [[1, 1, 1], [-3, -3, -3]]]


def test_part_mean_is_the_mean_colour_of_each_part():
    images = torch.tensor([[[[1.0, 3.0, 5.0]], [[0.0, 8.0, -1.0]]]])
    shown = parts.stand_in("part_mean", images, torch.tensor([[[0, 0, 1]]]), None)
    assert shown.tolist() == [[[[2, 2, 5]], [[4, 4, -1]]]]


# Feature ablation and permutation


@pytest.mark.parametrize("features", ["grid", "superpixels"])
def test_feature_ablation_is_captums_with_the_same_parts(features, draw):
    network, images, targets = small.network("cnn"), scenes(draw, 3, 3, 32, 48), torch.tensor([3, 0, 1])
    options = {"features": features, "cell": 9, "segments": 14}
    numbers = parts.numbered(images, **options)
    assert numbers.max() >= 8
    for image, target, number, found in zip(
        images, targets, numbers, maps("feature_ablation", network, images, targets, **options), strict=True
    ):
        captums = captum.attr.FeatureAblation(network).attribute(image[None], 0.0, target, feature_mask=number[None])
        assert torch.allclose(found, captums[0, 0], atol=1e-4)


@pytest.mark.parametrize("fill", ["mean", "black", "image_mean", "blur", "part_mean"])
def test_ablation_of_a_linear_model_is_the_parts_weight_times_what_it_loses(fill, linear, draw):
    shape, targets = (3, 10, 15), torch.tensor([2, 0, 1])
    model, images = linear(shape), draw(3, *shape)
    numbers = parts.numbered(images, "grid", 4, 0)
    lost = products(model, images, targets, parts.stand_in(fill, images, numbers, BLACK))
    found = maps("feature_ablation", model.network, images, targets, fill=fill, black=BLACK, cell=4)
    assert torch.allclose(found, parts.spread(per_part(lost, numbers), numbers), atol=1e-4)


def test_permutation_on_a_linear_model_is_the_weight_times_the_distance_from_the_backgrounds_mean(linear, draw):
    shape, targets = (2, 9, 14), torch.tensor([2, 0, 1])
    model, images, background = linear(shape), draw(3, *shape), draw(7, *shape, seed=5)
    found = maps("feature_permutation", model.network, images, targets, background=background, samples=7)
    numbers = parts.numbered(images, "grid", 4, 0)
    lost = per_part(products(model, images, targets, background.mean(0)), numbers)
    assert torch.allclose(found, parts.spread(lost, numbers), atol=1e-4)


def test_permutation_takes_some_of_the_background_by_the_seed(linear, draw):
    shape, targets = (1, 8, 8), torch.tensor([2, 0])
    model, images, background = linear(shape).network, draw(2, *shape), draw(6, *shape, seed=5)
    one, again, other = (
        maps("feature_permutation", model, images, targets, background=background, samples=2, seed=seed)
        for seed in (0, 0, 1)
    )
    assert torch.equal(one, again)
    assert not torch.allclose(one, other)


def test_a_map_depends_on_its_batch_mates_where_captum_permutes_features(draw):
    network, images, targets = small.network("cnn"), small.images("cnn", 4), torch.tensor([3, 0, 1, 2])
    numbers, background = parts.numbered(images, "grid", 16, 0), small.images("cnn", 5, seed=2)
    captums = captum.attr.FeaturePermutation(network, perm_func=lambda values, mask: torch.where(
        mask, values.roll(1, 0), values))  # fmt: skip
    first, second = (
        captums.attribute(images[order], targets[order], feature_mask=numbers[:1])[0]
        for order in ([0, 1, 2], [0, 2, 3])
    )
    alone = captums.attribute(images[:1], targets[:1], feature_mask=numbers[:1])
    assert not torch.allclose(first, second, atol=0.01)
    assert not alone.any()
    ours = [
        maps("feature_permutation", network, images[order], targets[order], background=background, cell=16)[0]
        for order in ([0, 1, 2], [0, 2, 3], [0])
    ]
    assert torch.allclose(ours[0], ours[1], atol=1e-5)
    assert torch.allclose(ours[0], ours[2], atol=1e-5)
    assert ours[0].any()


# RISE


def test_rise_is_the_mean_of_the_masks_weighted_by_the_probability():
    network, images, targets = small.network("cnn"), small.images("cnn", 2), torch.tensor([3, 0])
    generator = torch.Generator().manual_seed(0)
    coins, shifts = (torch.rand(9, 6, 6, generator=generator) < 0.5).float(), [[n % 7, n % 10] for n in range(9)]
    masks = rise.draw(coins, shifts, (32, 48))
    for mask, coin, (top, left) in zip(masks, coins, shifts, strict=True):
        large = functional.interpolate(coin[None, None], (6 * 7, 6 * 10), mode="bilinear", align_corners=False)[0, 0]
        assert torch.equal(mask, large[top : top + 32, left : left + 48])
    seen = []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].clone()))
    found = maps("rise", network, torch.ones_like(images), targets, masks=9, cells=5)
    shown = torch.cat([each.unflatten(0, (2, -1)) for each in seen], 1)
    scores = network(shown.flatten(0, 1)).softmax(1).unflatten(0, (2, -1))[torch.arange(2), :, targets]
    assert torch.allclose(found, (scores[:, :, None, None] * shown[:, :, 0]).sum(1) / (9 * 0.5), atol=1e-5)


def test_rise_takes_probabilities_as_they_are(plain):
    model, images, targets = plain(small.network("cnn"), channels=3), small.images("cnn", 2), torch.tensor([3, 0])
    attribute = registry.load("methods", "rise", {}).attribute
    by_logit, by_probability = (
        attribution.maps_of(attribute, model, images, targets, output=output, masks=30)
        for output in ("logit", "probability")
    )
    assert torch.allclose(by_logit, by_probability, atol=1e-6)


# LIME


def test_lime_is_the_ridge_regression_of_scikit_learn(draw):
    shown = lime.draw(80, 13, torch.Generator().manual_seed(3))
    outputs = draw(80) + shown.float() @ draw(13)
    distances = pairwise_distances(shown.numpy().astype(float), np.ones((1, 13)), metric="cosine")[:, 0]
    ridge = Ridge(alpha=1.0).fit(shown.numpy(), outputs.numpy(), np.sqrt(np.exp(-(distances**2) / 0.25**2)))
    assert np.allclose(lime.fit(shown, outputs, 0.25, 1.0).numpy(), ridge.coef_, atol=1e-6)


def test_limes_first_sample_is_the_image_and_the_others_are_halves():
    shown = lime.draw(4001, 50, torch.Generator().manual_seed(0))
    assert shown[0].all()
    error = 4 * 0.5 / (4000 * 50) ** 0.5  # four standard errors of a share
    assert shown[1:].double().mean().item() == pytest.approx(0.5, abs=error)


def test_a_sample_that_hides_everything_is_as_far_as_can_be():
    assert torch.isfinite(
        lime.fit(torch.tensor([[True, True], [False, False]]), torch.tensor([1.0, 0.0]), 0.25, 1)
    ).all()


@pytest.mark.parametrize("name", ["lime", "kernel_shap"])
@pytest.mark.parametrize("features", ["grid", "superpixels"])
@pytest.mark.parametrize("fill", ["mean", "black", "part_mean"])
def test_surrogates_of_a_linear_model_are_each_parts_weight_times_what_it_loses(name, features, fill, linear, draw):
    shape, targets = (3, 12, 20), torch.tensor([2, 0, 1])
    model, images = linear(shape), scenes(draw, 3, *shape)
    split = {"features": features, "cell": 4, "segments": 15}
    numbers = parts.numbered(images, **split)
    lost = per_part(products(model, images, targets, parts.stand_in(fill, images, numbers, BLACK)), numbers)
    options = {"alpha": 1e-9} if name == "lime" else {}
    found = maps(name, model.network, images, targets, black=BLACK, fill=fill, samples=120, **split, **options)
    assert torch.allclose(per_part(found, numbers), lost, atol=2e-3)
    assert torch.allclose(found, parts.share(lost, numbers), atol=2e-3)


# KernelSHAP


def by_brute_force(value, count):
    """Shapley's definition: the mean gain of a player over all orders of joining."""
    worth = {shown: value(torch.tensor(shown)) for shown in product([False, True], repeat=count)}
    values, orders = np.zeros(count), list(permutations(range(count)))
    for order in orders:
        shown = [False] * count
        for player in order:
            before = worth[tuple(shown)]
            shown[player] = True
            values[player] += worth[tuple(shown)] - before
    return values / len(orders)


@pytest.fixture
def six(draw):
    """Two images of six columns, each a part: a game of six players."""
    return draw(2, 2, 1, 6) + 0.5, torch.tensor([1, 0])


def test_all_coalitions_give_the_shapley_values_of_the_definition(six):
    images, targets = six
    found = maps("kernel_shap", Pairs(), images, targets, features="grid", cell=1, samples=64)
    for image, target, one in zip(images, targets, found[:, 0], strict=True):
        wanted = by_brute_force(lambda shown, i=image, t=target: Pairs()((i * shown)[None])[0, t].item(), 6)
        assert np.allclose(one, wanted, atol=1e-5)


def test_fewer_coalitions_come_near_the_shapley_values_and_nearer_the_more_there_are(six):
    images, targets = six

    def values(**options):
        return maps("kernel_shap", Pairs(), images, targets, features="grid", cell=1, **options)

    exact = values(samples=64)
    errors = [
        torch.stack([(values(samples=samples, seed=seed) - exact) ** 2 for seed in range(40)]).mean() ** 0.5
        for samples in (20, 62)
    ]
    assert 0 < errors[1] < errors[0] < 0.5 * exact.abs().max()


def test_kernel_shap_agrees_with_captums_where_both_see_all(six):
    images, targets = six
    found = maps("kernel_shap", Pairs(), images, targets, features="grid", cell=1, samples=64)
    numbers = parts.numbered(images, "grid", 1, 0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        captums = captum.attr.KernelShap(Pairs()).attribute(
            images[:1], 0.0, targets[:1], feature_mask=numbers[:1], n_samples=3000, perturbations_per_eval=1
        )
    # captum draws coalitions with replacement: about 1/sqrt(3000) of the outputs' spread.
    assert torch.allclose(found[0], captums[0, 0], atol=0.05)


def test_equal_players_get_equal_values_and_idle_ones_nothing():
    class Game(nn.Module):
        def forward(self, images):
            values = images[:, 0, 0]
            return (values[:, 0] * values[:, 1] + (values[:, 0] + values[:, 1] + values[:, 2]).relu() ** 2)[:, None]

    images, targets = torch.tensor([[[[2.0, 2.0, 1.0, 5.0]]]]), torch.tensor([0])
    found = maps("kernel_shap", Game(), images, targets, features="grid", cell=1, samples=16)[0, 0]
    assert found[0].item() == pytest.approx(found[1].item(), abs=1e-5)
    assert found[3].item() == pytest.approx(0, abs=1e-5)
    assert found.sum().item() == pytest.approx(4 + 25, rel=1e-6)


@pytest.mark.parametrize("samples", [2, 6, 100])
@pytest.mark.parametrize(("features", "fill"), [("grid", "black"), ("superpixels", "part_mean")])
def test_a_map_of_kernel_shap_sums_to_its_total_however_few_samples(samples, features, fill, draw):
    network, targets = small.network("cnn"), torch.tensor([3, 0, 1])
    images = torch.cat([scenes(draw, 2, 3, 32, 48), torch.zeros(1, 3, 32, 48)])
    options = {"features": features, "fill": fill, "cell": 9, "black": BLACK}
    found = maps("kernel_shap", network, images, targets, samples=samples, **options)
    total = registry.load("methods", "kernel_shap", {}).total(network, images, targets, **options)
    assert torch.allclose(found.sum((1, 2)), total, atol=1e-4)


def test_coalitions_come_with_their_complement_in_sizes_of_the_shapley_kernel():
    drawn, weights = shapley.drawn(40_000, 20, torch.Generator().manual_seed(0))
    assert torch.equal(drawn[::2], ~drawn[1::2])
    assert weights.unique().tolist() == [1]
    shares = torch.bincount(drawn.sum(1), minlength=21)[1:20] / len(drawn)
    sizes = torch.arange(1, 20)
    kernel = 1 / (sizes * (20 - sizes))
    assert torch.allclose(shares, kernel / kernel.sum(), atol=4 * 0.5 / 20_000**0.5)


def test_images_with_other_numbers_of_parts_share_a_batch(draw):
    network = small.network("cnn")
    images = torch.cat([scenes(draw, 2, 3, 32, 48), draw(1, 3, 32, 48), torch.zeros(1, 3, 32, 48)])
    targets = torch.tensor([3, 0, 1, 2])
    assert len(set(parts.counts(parts.numbered(images, "superpixels", 0, 5)))) > 1
    for name in ("feature_ablation", "lime", "kernel_shap"):
        options = {"features": "superpixels", "segments": 5} | ({} if name == "feature_ablation" else {"samples": 64})
        together = maps(name, network, images, targets, **options)
        alone = [maps(name, network, *one, **options) for one in zip(images.split(1), targets.split(1), strict=True)]
        assert torch.allclose(together, torch.cat(alone), atol=1e-4)


# All


def options_for(name, network, images):
    given = {"background": images.flip(0)} if name == "feature_permutation" else {}
    if name.endswith("_cam"):
        given["layer"] = layers.feature_layer(network, tuple(images.shape[1:]))
    return FEW[name] | given


@pytest.mark.parametrize("family", ["resnet", "vit", "swin"])
@pytest.mark.parametrize("name", FEW)
def test_hides_parts_from_networks_of_every_kind(name, family):
    network, images = small.network(family), small.images(family, 2)
    found = maps(name, network, images, torch.tensor([3, 0]), **options_for(name, network, images))
    assert found.shape == (2, *images.shape[2:])
    assert found.isfinite().all()
    assert (found.flatten(1).std(1) > 0).all()


@pytest.mark.parametrize("rows", [8, 1])
@pytest.mark.parametrize("name", [name for name in FEW if name != "ablation_cam"])
def test_holds_no_more_copies_than_it_may_and_gives_the_same_maps(name, rows):
    network, images, targets = small.network("cnn"), small.images("cnn", 3), torch.tensor([3, 0, 1])
    counting, options = Counting(network), options_for(name, network, images)
    freely = maps(name, network, images, targets, **options)
    options |= {"layer": "model." + options["layer"]} if "layer" in options else {}
    with batching.limited(rows):
        bounded = maps(name, counting, images, targets, **options)
    assert max(counting.held) <= max(rows, len(images))
    assert torch.allclose(freely, bounded, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "passes"),
    [("occlusion", 3 * 5 + 1), ("feature_ablation", 3 * 4 + 1), ("feature_permutation", 2 * 12 + 1),
     ("rise", 20), ("lime", 20), ("kernel_shap", 20 + 2)],
)  # fmt: skip
def test_costs_one_forward_pass_per_image_and_step(name, passes):
    network, images = Counting(small.network("cnn")), small.images("cnn", 3)
    maps(name, network, images, torch.tensor([3, 0, 1]), **options_for(name, network, images))
    assert sum(network.held) == 3 * passes


# CAMs that ask again


@pytest.mark.parametrize("family", small.FAMILIES)
def test_ablation_cam_is_the_same_where_each_pass_is_a_whole_one(family, monkeypatch):
    network, images, targets = small.network(family), small.images(family), torch.tensor([3, 0, 1])
    layer = layers.feature_layer(network, tuple(images.shape[1:]))
    quick = maps("ablation_cam", network, images, targets, layer=layer)
    monkeypatch.setattr("saliency_benchmark.methods.ablation_cam._apart", lambda *arguments: False)
    whole = maps("ablation_cam", network, images, targets, layer=layer)
    assert torch.allclose(quick, whole, atol=1e-3 * float(whole.abs().max()))


def test_ablation_cam_makes_whole_passes_where_the_layer_is_joined_with_what_came_before():
    class Joined(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 1), nn.Linear(9, 4)

        def forward(self, images):
            first = self.first(images)
            return self.last(torch.cat([first, self.second(first)], 1).mean((2, 3)))

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Joined().eval()
    images, targets = small.images("cnn"), torch.tensor([3, 0, 1])
    found = maps("ablation_cam", network, images, targets, layer="second", relu=False)
    features = network.second(network.first(images)).detach()
    drop = features.mean((2, 3)) * network.last.weight[targets, 4:].detach()
    logit = network(images).detach().gather(1, targets[:, None])
    cells = torch.einsum("nkhw,nk->nhw", features, drop / logit.abs())
    drawn = functional.interpolate(cells[:, None], images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
    assert torch.allclose(found, drawn, atol=1e-4 * float(drawn.abs().max()))
