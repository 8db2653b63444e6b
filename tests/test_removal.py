"""Cells, pixels and patches that go in both orders, against loops; and what metrics make of the curves."""

import numpy as np
import peers
import pytest
import torch
from reading_scores import score

from saliency_benchmark import batching, grid, masking, sharing
from saliency_benchmark.probes import patches, perturbation, pixels, removal

SHAPE = (3, 13, 18)
HAND = np.array([[[0.4, 0.3], [0.2, 0.1]]], np.float32)


@pytest.fixture(scope="module")
def asked(ask, seeing, draw):
    return ask(seeing(SHAPE), draw(3, *SHAPE), np.array([4, 9, 2]), torch.tensor([0, 1, 2]))


@pytest.fixture(scope="module")
def maps(draw):
    return draw(3, *SHAPE[1:], seed=1)


@pytest.mark.parametrize(
    ("probe", "options", "size"),
    [
        (removal.probe, {"cell": 4, "steps": 5, "fill": "black"}, (3, 4)),
        (removal.probe, {"cell": 4, "last": 3, "fill": "blur"}, (3, 4)),
        (pixels.probe, {"steps": 9}, SHAPE[1:]),
        (patches.probe, {}, (1, 2)),
        (patches.probe, {"cell": 4, "last": 7, "seed": 3}, (3, 4)),
    ],
)
def test_curves_are_those_of_loops_over_images_and_steps(probe, options, size, asked, maps):
    found = probe(asked, maps, **options)
    filled = asked.filled(options.get("fill", "noise" if probe is patches.probe else "mean"))
    cells = size[0] * size[1]
    last = options.get("last", cells)
    counts = np.round(np.linspace(0, last, options.get("steps", last) + 1)).astype(int)
    rank = masking.ranks(grid.pool(maps, size).numpy(), asked.index, options.get("seed", 0)).astype(int)
    numbers = grid.cell_of_pixel(SHAPE[1:], size).numpy()
    for first in ("most", "least") if probe is not pixels.probe else ("most",):
        curve = found[f"{first}_first.probability"]
        assert curve.shape == (3, len(counts))
        for step, count in enumerate(counts):
            changed = asked.inputs.clone()
            for image in range(3):
                order = np.argsort(rank[image])[:: 1 if first == "most" else -1]
                gone = np.isin(numbers, order[:count])
                changed[image][:, gone] = filled[image][:, gone]
            assert torch.allclose(curve[:, step], asked.score(changed)[:, 0], atol=1e-5)


def test_pixels_read_one_order_only(asked, maps):
    assert {name.partition(".")[0] for name in pixels.probe(asked, maps)} == {"most_first"}


@pytest.mark.parametrize("probe", [removal.probe, pixels.probe, patches.probe])
@pytest.mark.parametrize("rows", [1, 7, 64])
def test_an_image_alone_reads_as_among_others_in_any_number_of_rows(probe, rows, asked, ask, maps):
    whole = probe(asked, maps)
    with batching.limited(rows):
        single = probe(ask(asked.classifier, asked.inputs[1:2], asked.index[1:2], asked.targets[1:2]), maps[1:2])
    for name, values in single.items():
        assert torch.allclose(values, whole[name][1:2], atol=1e-5), name


def test_what_the_perturbation_probe_asked_is_not_asked_again(ask, asked, maps, monkeypatch):
    counted, fresh = [], ask(asked.classifier, asked.inputs, asked.index, asked.targets)
    monkeypatch.setattr(fresh, "forward", lambda images: counted.append(len(images)) or asked.forward(images))
    with sharing.shared():
        whole = perturbation.probe(fresh, maps)
        counted.clear()
        found = removal.probe(fresh, maps)
    # Twelve cells: between none and all of them eleven steps, in the other order.
    assert sum(counted) == 11 * 3
    assert torch.equal(found["most_first.logit"], whole["deletion.logit"])


def test_the_last_steps_are_not_asked_for(ask, asked, maps, monkeypatch):
    counted, fresh = [], ask(asked.classifier, asked.inputs, asked.index, asked.targets)
    monkeypatch.setattr(fresh, "forward", lambda images: counted.append(len(images)) or asked.forward(images))
    removal.probe(fresh, maps, cell=1, last=4, least=False)
    assert sum(counted) == (1 + 4 + 1) * 3


@pytest.fixture(scope="module")
def by_hand(ask, pixel_sum):
    """Readings of the sum of the pixels of HAND, pixel by pixel, for a perfect map and its opposite."""
    asked = ask(pixel_sum, torch.from_numpy(HAND)[None], np.array([0]), torch.tensor([0]))
    return [removal.probe(asked, sign * torch.from_numpy(HAND), cell=1) for sign in (1, -1)]


@pytest.mark.parametrize(
    ("name", "perfect", "opposite"),
    [("pixel_flipping", 0.375, 0.625), ("selectivity", 0.375, 0.625), ("aopc", 0.6, 0.4), ("abpc", 0.2, -0.2)],
)
def test_scores_of_a_sum_of_pixels_by_hand(name, perfect, opposite, by_hand):
    """Most relevant first: 1, .6, .3, .1, 0; least relevant first: 1, .9, .7, .4, 0."""
    found = [score(name, readings, output="probability")[0] for readings in by_hand]
    assert found == pytest.approx([perfect, opposite], abs=1e-5)


def test_abpc_is_aopc_less_its_value_in_the_opposite_order(asked, maps):
    one, other = (patches.probe(asked, sign * maps, cell=4) for sign in (1, -1))
    assert np.allclose(score("abpc", one), score("aopc", one) - score("aopc", other), atol=1e-6)


def test_monotonicity_counts_steps_without_a_fall_as_cells_appear():
    curves = np.array([[1, 0.6, 0.3, 0.1], [1, 0.3, 0.6, 0.1], [0.5, 0.5, 0.5, 0.5], [0, 0.1, 0.2, 0.3]])
    assert score("monotonicity", {"deletion": curves}) == pytest.approx([1, 2 / 3, 1, 0])
    assert score("monotonicity", {"deletion": curves}, strict=True).tolist() == [1, 0, 1, 0]
    hole = {"deletion": np.array([[1, np.nan, 0.1]])}
    assert np.isnan([score("monotonicity", hole), score("monotonicity", hole, strict=True)]).all()


def test_score_behaviour_counts_steps_the_right_way():
    readings = {"deletion": np.array([[1, 0.6, 0.7, 0.7, 0.1]]), "insertion": np.array([[0, 0.3, 0.2, 0.4, 1]])}
    assert score("score_behaviour", readings) == pytest.approx([2 / 4])
    assert score("score_behaviour", readings, curve="insertion") == pytest.approx([3 / 4])
    assert score("score_behaviour", readings, curve="both") == pytest.approx([5 / 8])
    assert np.isnan(score("score_behaviour", readings | {"deletion": np.full((1, 5), np.nan)}))
    with pytest.raises(ValueError, match="no curve 'removal'; there are: deletion, insertion, both"):
        score("score_behaviour", readings, curve="removal")


def test_increase_in_confidence_is_a_rise_and_no_tie():
    readings = {"clean": np.array([0.5, 0.2, 0.3, 0.4]), "kept": np.array([0.6, 0.2, 0.1, np.nan])}
    assert np.array_equal(score("iic", readings), [1, 0, 0, np.nan], equal_nan=True)


@pytest.mark.parametrize("softmax", [True, False])
def test_flipped_pixels_of_a_grey_image_read_as_in_quantus(softmax, ask, seeing, draw):
    shape = (1, 6, 8)
    model, images, targets = seeing(shape), draw(4, *shape), torch.tensor([0, 1, 2, 0])
    maps = draw(4, 6, 8, seed=1)
    theirs = peers.quantus(
        "PixelFlipping", model.network, images, targets, maps, softmax, features_in_step=4, perturb_baseline=0.0
    )
    found = pixels.probe(ask(model, images, np.arange(4), targets), maps, steps=12)
    ours = found["most_first.probability" if softmax else "most_first.logit"]
    assert np.allclose(ours[:, 1:], theirs, atol=1e-5)


def test_a_pixel_goes_with_all_its_channels_where_quantus_flips_one_value_after_the_other(ask, seeing, draw):
    shape = (3, 6, 8)
    model, images, targets = seeing(shape), draw(2, *shape), torch.tensor([0, 1])
    maps = draw(2, 6, 8, seed=1)
    options = {"features_in_step": 4, "perturb_baseline": 0.0}
    theirs = peers.quantus("PixelFlipping", model.network, images, targets, maps, **options)
    found = pixels.probe(ask(model, images, np.arange(2), targets), maps, steps=12)["most_first.probability"]
    # 6 x 8 pixels, four at a time, are 12 steps; Quantus makes 36.
    assert found[:, 1:].shape == (2, 12)
    assert theirs.shape == (2, 36)


def test_the_area_of_flipped_pixels_is_numpys_where_quantus_stops(ask, seeing, draw):
    shape = (1, 6, 8)
    model, images, targets = seeing(shape), draw(2, *shape), torch.tensor([0, 1])
    maps = draw(2, 6, 8, seed=1)
    options = {"features_in_step": 4, "perturb_baseline": 0.0, "return_auc_per_sample": True}
    with pytest.raises(AttributeError, match="trapz"):
        peers.quantus("PixelFlipping", model.network, images, targets, maps, **options)
    found = pixels.probe(ask(model, images, np.arange(2), targets), maps, steps=12)
    curve = found["most_first.probability"].numpy()
    assert np.allclose(score("pixel_flipping", found), np.trapezoid(curve, np.linspace(0, 1, 13), axis=1))


@pytest.mark.parametrize("order", ["morf", "lerf"])
@pytest.mark.parametrize("channels", [1, 3])
def test_drops_of_patches_are_those_of_quantus(order, channels, ask, seeing, draw):
    shape = (channels, 8, 12)
    model, images, targets = seeing(shape), draw(4, *shape), torch.tensor([0, 1, 2, 0])
    maps = draw(4, *shape, seed=1)
    theirs = peers.quantus(
        "RegionPerturbation", model.network, images, targets, maps, patch_size=4, order=order, perturb_baseline=0.0
    )
    found = patches.probe(ask(model, images, np.arange(4), targets), maps, cell=4, fill="mean")
    curve = found["most_first.probability" if order == "morf" else "least_first.probability"]
    assert np.allclose(curve[:, :1] - curve[:, 1:], theirs, atol=1e-5)
    if order == "morf":
        assert np.allclose(score("aopc", found), theirs.sum(1) / 7, atol=1e-5)


def test_outputs_without_the_most_relevant_patches_are_those_of_quantus(ask, seeing, draw):
    shape = (3, 8, 12)
    model, images, targets = seeing(shape), draw(4, *shape), torch.tensor([0, 1, 2, 0])
    maps, options = draw(4, *shape, seed=1), {"patch_size": 4, "perturb_baseline": 0.0}
    theirs = peers.quantus("Selectivity", model.network, images, targets, maps, False, **options)
    found = removal.probe(ask(model, images, np.arange(4), targets), maps)["most_first.logit"]
    assert np.allclose(found[:, 1:], theirs, atol=1e-5)


class _Recording(torch.nn.Module):
    """Scores the sum of an image's pixels, and keeps what it was shown."""

    def __init__(self, sign=1):
        super().__init__()
        self.sign, self.seen = sign, []

    def forward(self, images):
        self.seen.append(images.clone())
        total = self.sign * images.sum((1, 2, 3))
        return torch.stack([total, -total], 1)


def test_monotonicity_shows_the_image_bit_by_bit_where_quantus_shows_its_baseline_at_every_step(ask, plain):
    """Each pixel that appears lowers the score: nothing is less monotone, and Quantus finds it monotone."""
    images, targets = torch.rand(1, 1, 4, 5, generator=torch.Generator().manual_seed(0)) + 0.1, torch.tensor([0])
    falling = _Recording(-1).eval()
    options = {"perturb_baseline": 0.0, "features_in_step": 5}
    assert peers.quantus("Monotonicity", falling, images, targets, images, **options).tolist() == [1]
    assert all((shown == 0).all() for shown in falling.seen)
    readings = perturbation.probe(ask(plain(falling), images, np.arange(1), targets), images, cell=1, steps=4)
    assert score("monotonicity", readings).tolist() == [0]


def test_a_removed_pixel_shows_black_where_quantus_shows_the_least_value_of_its_image(ask, plain, draw):
    images, targets = draw(2, 1, 4, 5), torch.tensor([0, 0])
    maps, options = draw(2, 4, 5, seed=1), {"features_in_step": 20, "perturb_baseline": "black"}
    theirs, ours = _Recording().eval(), _Recording().eval()
    peers.quantus("PixelFlipping", theirs, images, targets, maps, **options)
    assert torch.equal(theirs.seen[-1], images.amin((1, 2, 3), keepdim=True).expand_as(images))
    pixels.probe(ask(plain(ours), images, np.arange(2), targets), maps, steps=1, fill="black")
    assert (ours.seen[-1] == plain(ours).black()).all()
