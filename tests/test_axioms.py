"""What maps must do by axiom: see no change where there is none, add up to the output, be 0 where nothing counts."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import registry
from saliency_benchmark.probes import shifted
from tests import small
from tests.remaps import asked_of_quantus, method, probed, quantus, scored, scores

# What looks at the slope of the network, or at its feature maps, and not at the pixels' values.
INVARIANT = ["gradient", "squared", "guided_backprop", "deconvnet", "grad_cam", "layer_cam", "eigen_cam", "sobel"]


def contribution(model, images, targets):
    return images * model[1].weight[targets].view_as(images)


@pytest.fixture
def straight(linear, ask, draw):
    """straight(method): a linear model asked about three images."""
    classifier = linear((2, 6, 9))
    classifier.deviation = torch.tensor([0.5, 0.25])

    def of(name, **options):
        inputs, targets = draw(3, 2, 6, 9), torch.tensor([0, 1, 2])
        return ask(classifier, inputs, np.array([4, 0, 9]), targets, method(name, classifier, options))

    return of


@pytest.fixture
def asked(plain, ask):
    """asked(method): a network asked about four images."""
    classifier = plain(small.network("cnn"), "block3.2", 3)
    classifier.deviation = torch.tensor([0.2, 0.3, 0.4])

    def of(name, places=slice(None)):
        inputs, targets = small.images("cnn", 4)[places], torch.tensor([0, 1, 2, 3])[places]
        return ask(classifier, inputs, np.arange(4)[places], targets, method(name, classifier))

    return of


@pytest.mark.parametrize("family", small.FAMILIES)
def test_the_compensating_network_gives_what_the_network_gives_and_keeps_its_names(family):
    network, images = small.network(family), small.images(family)
    shift = torch.tensor([-4.0, 2.0, 1.0])[:, None, None]
    other = shifted.compensating(network, shift)
    with torch.no_grad():
        assert torch.allclose(other(images + shift), network(images), atol=1e-4)
        assert not torch.allclose(other(images), network(images), atol=1e-4)
    assert [name for name, _ in other.named_modules()] == [name for name, _ in network.named_modules()]
    assert isinstance(other, type(network))


def test_the_gradient_of_a_linear_model_does_not_notice_that_pixels_were_moved(straight):
    assert scored("input_invariance", straight("gradient")).tolist() == [0, 0, 0]


def test_contributions_to_a_linear_model_change_by_weight_times_shift(straight):
    one = straight(contribution)
    weight = one.classifier.network[1].weight.detach()[one.targets].view_as(one.inputs)
    change = (-0.5 / torch.tensor([0.5, 0.25]))[:, None, None] * weight
    expected = change.flatten(1).norm(dim=1) / (weight * one.inputs).flatten(1).norm(dim=1)
    assert np.allclose(scored("input_invariance", one, shift=-0.5), expected)


@pytest.mark.parametrize("name", INVARIANT)
def test_what_does_not_look_at_the_pixels_values_is_invariant(name, asked):
    readings = probed("shifted", asked(name))
    assert scores("input_invariance", readings) == pytest.approx(np.zeros(4), abs=1e-4)
    assert scores("input_invariance", readings, by="spearman") == pytest.approx(np.zeros(4), abs=1e-4)


@pytest.mark.parametrize("name", ["input_x_gradient", "integrated_gradients", "occlusion", "lrp_epsilon"])
def test_what_multiplies_by_the_pixels_or_starts_from_one_colour_is_not(name, asked):
    assert scored("input_invariance", asked(name)).min() > 0.1


def test_integrated_gradients_are_invariant_where_their_baseline_moves_along(asked):
    """From each image's own mean colour, which is what Kindermans et al. ask for of a reference point."""
    one = asked("gradient")
    one.explain = method("integrated_gradients", one.classifier, {"baseline": "image_mean"})
    assert scored("input_invariance", one) == pytest.approx(np.zeros(4), abs=1e-4)


def test_the_network_stays_as_it_was(asked):
    one = asked("guided_grad_cam")
    kept = deepcopy(one.classifier.network.state_dict())
    scored("input_invariance", one)
    assert type(one.classifier.network) is nn.Sequential
    assert all(torch.equal(value, kept[name]) for name, value in one.classifier.network.state_dict().items())
    assert not any(module._forward_hooks for module in one.classifier.network.modules())


@pytest.mark.parametrize("name", ["input_x_gradient", "grad_cam"])
def test_an_image_alone_reads_as_in_its_batch(name, asked):
    together = probed("shifted", asked(name))
    for at in range(4):
        for reading, values in probed("shifted", asked(name, slice(at, at + 1))).items():
            assert np.allclose(values, together[reading][at : at + 1], rtol=1e-3, atol=1e-4), reading


def test_a_map_without_anything_has_no_relative_change(asked):
    one = asked("gradient")
    assert np.isnan(scores("input_invariance", probed("shifted", one, torch.zeros_like(one.inputs)))).all()


def test_only_distance_and_rank_correlation_are_known():
    readings = {"map_distance": np.ones(1), "map_norm": np.ones(1), "spearman": np.ones(1)}
    with pytest.raises(ValueError, match="wanted: distance or spearman"):
        scores("input_invariance", readings, by="ssim")


def test_padding_is_no_matter_where_the_network_of_quantus_is_another_one():
    """It takes the shift off the first layer's bias, of which zero padding knows nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)
    network, images = nn.Sequential(*layers).eval(), small.images("cnn")
    with quantus():
        from quantus.helpers.model.pytorch_model import PyTorchModel
    theirs = PyTorchModel(network, channel_first=True).add_mean_shift_to_first_layer(-1, (1, 3, 32, 48))
    ours = shifted.compensating(network, torch.full((3, 1, 1), -1.0))
    with torch.no_grad():
        wanted = network(images)
        assert torch.allclose(ours(images - 1), wanted, atol=1e-5)
        assert (theirs(images - 1) - wanted).abs().max() > 0.01


def cells(one, **options):
    """What the model says of images without one cell after the other."""
    return {name: values.numpy() for name, values in registry.load("probes", "cells", {}).probe(one, **options).items()}


def completeness(one):
    """Scores of the method itself, from what the maps' file and the probe of cells say."""
    maps = one.explain(one.inputs, one.targets)
    return scores("completeness", cells(one) | {"maps": maps.numpy()})


def test_completeness_by_hand():
    """Sums of 3, 1, -2 where the output loses 2: off by a half, a half, and twice. It loses nothing; no number: NaN."""
    readings = {"clean": np.array([5, 2, 1, 7, 3.0]), "gone": np.array([3, 0, -1, 7, 1.0])}
    readings["maps"] = np.array([[4, -1], [1, 0], [-1, -1], [1, 0], [2, np.nan]])[:, None]
    assert np.allclose(scores("completeness", readings), [0.5, 0.5, 2, np.nan, np.nan], equal_nan=True)


@pytest.mark.parametrize("name", [contribution, "integrated_gradients", "input_x_gradient", "deeplift"])
def test_contributions_to_a_linear_model_are_complete(name, straight):
    assert completeness(straight(name)) == pytest.approx(np.zeros(3), abs=1e-4)


def test_completeness_of_the_gradient_of_a_linear_model_is_known(straight):
    one = straight("gradient")
    weight = one.classifier.network[1].weight.detach()[one.targets].double()
    lost = (weight * one.inputs.flatten(1)).sum(1)
    assert np.allclose(completeness(one), (weight.sum(1) - lost).abs() / lost.abs(), rtol=1e-3)


def test_integrated_gradients_are_complete_where_quantus_finds_no_complete_map(asked):
    """It asks for the very same float, of a map that was divided by its largest value."""
    one = asked("gradient")
    one.explain = method("integrated_gradients", one.classifier, {"steps": 300})
    assert completeness(one).max() < 0.01
    for options in ({}, {"normalise": False, "perturb_baseline": 0.0}):
        assert not np.any(asked_of_quantus("Completeness", one, options, softmax=False))


def test_the_scale_and_the_sign_of_a_map_count_for_completeness(straight):
    def negative(model, images, targets):
        return -contribution(model, images, targets)

    assert completeness(straight(negative)) == pytest.approx(np.full(3, 2), rel=1e-4)


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        ([[1, 0], [2, 0]], 0),
        ([[-1, 0], [2, 0]], 0),
        ([[1, 1], [2, 0]], 1 / 4),
        ([[0, 1], [0, 2]], 1),
        ([[0, 0], [0, 0]], 1 / 2),
        ([[1, 0.001], [2, 0]], 0),
        ([[np.nan, 0], [2, 0]], np.nan),
    ],
    ids=["right", "sign does not count", "one too many", "the reverse", "nothing counts", "almost 0", "no number"],
)
def test_non_sensitivity_by_hand(maps, expected):
    """The left cells change the output, the right ones do not."""
    readings = {"clean": np.array([5.0]), "without": np.array([[[4.0, 5.0], [7.0, 5.0]]])}
    found = scores("non_sensitivity", readings | {"maps": np.array([maps], np.float32)})
    assert found == pytest.approx([expected], nan_ok=True)


def test_cells_of_several_pixels_count_by_their_magnitude():
    """Two pixels that cancel each other are not nothing, and channels are summed first."""
    readings = {"clean": np.array([1.0]), "without": np.array([[[0.0, 1.0]]])}
    pixels = np.array([[[[1.0, -1.0, 2.0, 0.0]], [[0.0, 0.0, -2.0, 0.0]]]])
    assert scores("non_sensitivity", readings | {"maps": pixels}).tolist() == [0]


def test_a_model_that_rounding_alone_moves_depends_on_nothing():
    readings = {"clean": np.array([100.0]), "without": np.array([[[100 + 1e-5, 100 - 2e-5]]])}
    assert scores("non_sensitivity", readings | {"maps": np.zeros((1, 1, 2))}).tolist() == [0]


@pytest.fixture
def half_blind(straight):
    """A linear model of which half of the weights, drawn by chance, are 0 in every channel."""
    one = straight("gradient")
    blind = torch.rand(6, 9, generator=torch.Generator().manual_seed(1)) < 0.5
    with torch.no_grad():
        one.classifier.network[1].weight.view(3, 2, 6, 9)[..., blind] = 0
    return one


def test_the_gradient_of_a_linear_model_is_zero_where_it_sees_nothing(half_blind):
    maps = half_blind.explain(half_blind.inputs, half_blind.targets).numpy()
    found = scores("non_sensitivity", cells(half_blind, cell=1) | {"maps": maps}, tolerance=1e-6)
    assert found.tolist() == [0, 0, 0]


def test_non_sensitivity_is_the_share_of_what_quantus_counts(ask, linear, draw):
    """One channel, pixel by pixel, each set to 0; maps of 0 and 1, and logits: its default sees probabilities."""
    classifier = linear((1, 6, 9), seed=5)
    blind = torch.rand(6, 9, generator=torch.Generator().manual_seed(1)) < 0.5
    with torch.no_grad():
        classifier.network[1].weight.view(3, 6, 9)[:, blind] = 0
    told = (torch.rand(3, 1, 6, 9, generator=torch.Generator().manual_seed(2)) < 0.5).float()
    targets = torch.tensor([0, 1, 2])
    one = ask(classifier, draw(3, 1, 6, 9), np.arange(3), targets, method(lambda *_, **__: told, classifier))
    found = scores("non_sensitivity", cells(one, cell=1) | {"maps": told.numpy()}, tolerance=1e-5)
    options = {"perturb_baseline": 0.0, "normalise": False, "eps": 1e-5}
    assert np.allclose(found * 54, asked_of_quantus("NonSensitivity", one, options, softmax=False))
