"""Random subsets of cells gone: exactly so many, the same for every method, and what metrics make of them."""

import warnings

import numpy as np
import peers
import pytest
import torch
from reading_scores import score

from saliency_benchmark import artifacts, asking, batching, grid, pooling, probing, registry, scoring
from saliency_benchmark.probes import subsets

SHAPE = (3, 13, 18)
CORRELATIONS = ("sensitivity_n", "faithfulness_correlation", "mufidelity")


@pytest.fixture(scope="module")
def asked(ask, seeing, draw):
    return ask(seeing(SHAPE), draw(3, *SHAPE), np.array([4, 9, 2]), torch.tensor([0, 1, 2]))


@pytest.fixture(scope="module")
def readings(asked):
    return read(asked)


def read(asked, **options):
    return {name: np.asarray(values) for name, values in subsets.probe(asked, **options).items()}


@pytest.fixture(scope="module")
def exact(ask, linear, draw):
    """Asked of a linear model, on an image size that no cell divides, with its contributions and its gradient."""
    model, images, targets = linear(SHAPE), draw(4, *SHAPE), torch.tensor([0, 1, 2, 0])
    weights = model.network[1].weight.detach()[targets].view(-1, *SHAPE)
    return read(ask(model, images, np.arange(4), targets)), (weights * images).numpy(), weights.numpy()


def test_a_subset_gone_reads_as_in_loops_over_images_and_draws(asked, readings):
    cells = grid.cell_of_pixel(SHAPE[1:], (3, 4)).numpy()
    assert readings["subset"].shape == (3, 4, 25, 3, 4)
    for image, share, draw in [(0, 0, 0), (1, 1, 24), (2, 3, 7)]:
        gone = np.isin(cells, np.flatnonzero(readings["subset"][image, share, draw]))
        changed = asked.inputs[image].clone()
        changed[:, gone] = 0
        expected = asked.score(changed[None].expand(3, -1, -1, -1))[image]
        for output, value in zip(asking.OUTPUTS, expected, strict=True):
            assert readings[f"without_subset.{output}"][image, share, draw] == pytest.approx(value.item(), abs=1e-5)


@pytest.mark.parametrize(("cell", "cells"), [(4, 12), (3, 24), (1, 234), (9, 2)])
def test_every_subset_has_exactly_its_share_of_the_cells_and_each_cell_goes_as_often(cell, cells, asked):
    found = read(asked, cell=cell, shares=[0.25, 0.5, 1], draws=40)["subset"]
    counts = found.sum((3, 4))
    assert (counts == np.round(np.array([0.25, 0.5, 1]) * cells)[:, None]).all()
    # 120 subsets of one share, of which each cell is in so many but for chance: five deviations.
    share = counts[0, 1, 0] / cells
    assert abs(found[:, 1].mean((0, 1)) - share).max() <= 5 * np.sqrt(share * (1 - share) / 120)


def test_the_difference_is_what_removal_takes_away(asked):
    found = read(asked, fill="black", draws=1)["difference"]
    assert np.allclose(found, asked.inputs - asked.classifier.black().view(1, 3, 1, 1), atol=1e-6)


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_an_image_alone_reads_as_among_others_in_any_number_of_rows(rows, asked, ask, readings):
    with batching.limited(rows):
        single = read(ask(asked.classifier, asked.inputs[1:2], asked.index[1:2], asked.targets[1:2]))
    assert np.array_equal(single["subset"], readings["subset"][1:2])
    for name, values in single.items():
        assert np.allclose(values, readings[name][1:2], atol=1e-5), name


def test_subsets_fall_by_the_seed_and_the_index_and_by_nothing_else(ask, asked, draw):
    same = ask(asked.classifier, draw(3, *SHAPE, seed=8), np.array([5, 6, 5]), asked.targets)
    found = read(same)["subset"]
    assert np.array_equal(found[0], found[2])
    assert not np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], read(same, seed=1)["subset"][0])


@pytest.mark.parametrize("name", CORRELATIONS)
def test_contributions_of_a_linear_model_add_up_in_any_subset_and_their_negative_adds_up_wrongly(name, exact):
    readings, contributions, _ = exact
    assert score(name, readings, contributions) == pytest.approx(np.ones(4), abs=1e-4)
    assert score(name, readings, -7 * contributions) == pytest.approx(-np.ones(4), abs=1e-4)
    assert score(name, readings, contributions.sum(1)) == pytest.approx(np.ones(4), abs=1e-4)


def test_sensitivity_n_is_the_mean_of_numpys_correlations_over_the_sizes(readings, draw):
    maps = draw(3, *SHAPE, seed=3).numpy()
    cells = grid.cell_of_pixel(SHAPE[1:], (3, 4)).numpy()
    drops = readings["clean.logit"][:, None, None].astype(float) - readings["without_subset.logit"]
    expected = np.zeros((3, 4))
    for image, share in np.ndindex(3, 4):
        chosen = [np.isin(cells, np.flatnonzero(each)) for each in readings["subset"][image, share]]
        sums = [maps[image].sum(0)[where].sum() for where in chosen]
        expected[image, share] = np.corrcoef(sums, drops[image, share])[0, 1]
    assert np.allclose(score("sensitivity_n", readings, maps), expected.mean(1), atol=1e-5)
    assert np.allclose(score("faithfulness_correlation", readings, maps, share=0.4), expected[:, 2], atol=1e-5)


def test_a_size_at_which_the_score_never_moves_is_left_out_of_sensitivity_n(exact):
    readings, contributions, _ = exact
    still = {name: values.copy() for name, values in readings.items()}
    still["without_subset.logit"][:, 1:] = 0.25
    assert score("sensitivity_n", still, contributions) == pytest.approx(np.ones(4), abs=1e-4)
    still["without_subset.logit"][:] = 0.25
    assert np.isnan(score("sensitivity_n", still, contributions)).all()
    assert np.isnan(score("mufidelity", still, contributions)).all()


def test_mufidelity_sees_the_order_of_the_sums_only(exact):
    readings, contributions, _ = exact
    drops = readings["clean.logit"][:, None, None] - readings["without_subset.logit"]
    bent = readings | {"clean.logit": np.zeros(4), "without_subset.logit": -(drops.astype(float) ** 3)}
    assert score("mufidelity", bent, contributions) == pytest.approx(np.ones(4), abs=1e-3)
    assert (score("faithfulness_correlation", bent, contributions) < 0.99).all()


@pytest.mark.parametrize("name", CORRELATIONS)
@pytest.mark.parametrize("value", [0, 0.1, -3])
def test_a_constant_map_adds_up_to_nothing_even_in_cells_of_unequal_sizes(name, value, readings):
    assert np.isnan(score(name, readings, np.full((3, *SHAPE), value, np.float32))).all()


@pytest.mark.parametrize("name", ["faithfulness_correlation", "mufidelity"])
def test_a_share_that_was_not_drawn_is_refused(name, readings):
    with pytest.raises(ValueError, match=r"share is 0.5, and the subsets hold .*: add it to the probe's `shares`"):
        score(name, readings, np.zeros((3, *SHAPE)), share=0.5)


def test_infidelity_of_a_linear_model_is_0_for_its_contributions_and_for_its_gradient(exact):
    readings, contributions, gradient = exact
    power = np.square(readings["clean.logit"][:, None, None] - readings["without_subset.logit"]).mean((1, 2))
    for kind, maps in (("contribution", contributions), ("sensitivity", gradient)):
        for scaled, factor in ((False, 1), (True, 1), (True, 37)):
            found = score("infidelity", readings, factor * maps, kind=kind, scaled=scaled)
            assert (found <= 1e-9 * power).all()
    # Without a factor, twice the map is wrong by as much as the drops are large.
    assert np.allclose(score("infidelity", readings, 2 * contributions, scaled=False), power, rtol=1e-4)


def test_turning_a_map_is_no_scaling_and_a_map_of_zeros_misses_all_drops(exact):
    readings, contributions, _ = exact
    power = np.square(readings["clean.logit"][:, None, None] - readings["without_subset.logit"]).mean((1, 2))
    for maps in (-contributions, 0 * contributions):
        assert np.allclose(score("infidelity", readings, maps), power, rtol=1e-5)
    assert np.allclose(score("infidelity", readings, -contributions, scaled=False), 4 * power, rtol=1e-4)


def test_no_factor_of_a_map_has_less_infidelity_than_the_scaled_form(readings, draw):
    maps = draw(3, *SHAPE, seed=3).numpy()
    least = score("infidelity", readings, maps)
    others = [score("infidelity", readings, factor * maps, scaled=False) for factor in np.geomspace(1e-4, 10, 400)]
    assert (least <= np.min(others, axis=0) + 1e-9).all()
    assert np.allclose(np.minimum(np.min(others, axis=0), score("infidelity", readings, 0 * maps)), least, rtol=0.01)


@pytest.mark.parametrize("kind", ["contribution", "sensitivity"])
@pytest.mark.parametrize("scaled", [False, True])
def test_infidelity_is_captums_on_the_same_subsets(kind, scaled, asked, readings):
    from captum.metrics import infidelity

    # Maps that agree with the drops: captum's factor may turn a map's sign, ours may not.
    images = asked.inputs.clone().requires_grad_()
    asked.classifier.network(images).gather(1, asked.targets[:, None]).sum().backward()
    maps = images.grad * asked.inputs if kind == "contribution" else images.grad
    chosen = torch.from_numpy(readings["subset"]).flatten(3).flatten(1, 2).flatten(0, 1)
    gone = grid.spread(chosen, SHAPE[1:], (3, 4)).expand(-1, 3, -1, -1)

    def remove(many, *_):
        share = gone.float() if kind == "contribution" else torch.where(gone, many, 0)
        return share, torch.where(gone, 0, many)

    theirs = infidelity(
        asked.classifier.network, remove, asked.inputs, maps.detach(), target=asked.targets,
        n_perturb_samples=100, normalize=scaled,
    )  # fmt: skip
    ours = score("infidelity", readings, maps.numpy(), kind=kind, scaled=scaled)
    assert np.allclose(ours, theirs.detach().numpy(), rtol=1e-3)


def test_an_unknown_kind_of_map_is_refused(readings):
    with pytest.raises(ValueError, match="no kind 'gradient'; there are: contribution, sensitivity"):
        score("infidelity", readings, np.zeros((3, *SHAPE)), kind="gradient")


def test_faithfulness_correlation_of_pixels_is_that_of_quantus_on_the_same_subsets(monkeypatch, ask, seeing, draw):
    shape = (1, 4, 5)
    model, images, targets = seeing(shape), draw(3, *shape), torch.tensor([0, 1, 2])
    maps = draw(3, 4, 5, seed=1).numpy()
    readings = read(ask(model, images, np.arange(3), targets), cell=1, shares=[0.2], draws=30)
    order = iter([readings["subset"][image, 0, run] for run in range(30) for image in range(3)])
    monkeypatch.setattr(np.random, "choice", lambda *_, **__: np.flatnonzero(next(order)))
    theirs = peers.quantus(
        "FaithfulnessCorrelation", model.network, images, targets, maps, False, subset_size=4, nr_runs=30,
        perturb_baseline=0.0,
    )  # fmt: skip
    assert np.allclose(score("faithfulness_correlation", readings, maps), theirs, atol=1e-4)


def test_sensitivity_n_scores_every_image_where_quantus_scores_its_first_batch(ask, linear, draw):
    shape = (1, 4, 5)
    model, images, targets = linear(shape), draw(6, *shape), torch.tensor([0, 1, 2, 0, 1, 2])
    maps = (model.network[1].weight.detach()[targets].view(-1, *shape) * images).numpy()

    def theirs(some, batch_size):
        asked = model.network, images[some], targets[some], maps[some]
        options = {"perturb_baseline": 0.0, "features_in_step": 2, "n_max_percentage": 0.5}
        return peers.quantus("SensitivityN", *asked, softmax=False, batch_size=batch_size, **options)

    assert np.array_equal(theirs(slice(None), 2), theirs(slice(2), 2))
    # One number for each size, correlated over the images of that batch: not one for each image.
    assert theirs(slice(None), 6).shape == (5,)
    readings = read(ask(model, images, np.arange(6), targets), cell=1)
    assert score("sensitivity_n", readings, maps) == pytest.approx(np.ones(6), abs=1e-4)


class _Counting(torch.nn.Module):
    """The number of pixels that are not 1 of each image it was shown."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images):
        self.seen.append((images != 1).sum((1, 2, 3)))
        return images.flatten(1)[:, :3]


def test_infidelity_removes_one_subset_at_a_time_where_quantus_lets_its_patches_accumulate(ask, plain):
    images, targets = torch.ones(1, 1, 8, 12), torch.tensor([0])
    options = {"perturb_patch_sizes": [4], "n_perturb_samples": 1, "perturb_baseline": 0.0}
    theirs, ours = _Counting().eval(), _Counting().eval()
    peers.quantus("Infidelity", theirs, images, targets, np.eye(8, 12)[None], False, **options)
    assert [int(seen) for seen in theirs.seen] == [0, 16, 32, 48, 64, 80, 96]
    with batching.limited(1):
        subsets.probe(ask(plain(ours), images, np.arange(1), targets), shares=[1 / 6], draws=6)
    assert sorted(int(seen) for seen in ours.seen) == [0, *[16] * 6]


def test_subsets_stored_once_serve_maps_of_any_method(tmp_path, seeing, images):
    """From the model's readings on disk and a method's maps: the score is that of the readings in memory."""
    classifier, few = seeing((3, 28, 40)), {name: values[:4] for name, values in images.items()}
    targets = np.full(4, 2, np.int32)
    maps = np.random.default_rng(0).normal(size=(4, 28, 40)).astype(np.float32)
    about = {"label": few["label"], "index": few["index"], "target": targets, "prediction": np.zeros((4, 3))}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, few, {})
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, about | {"attribution": maps}, {})
    with (
        artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as shown,
        artifacts.Writer(tmp_path / "readings.h5", artifacts.READINGS, {}) as writer,
    ):
        asked = {"subsets": probing.Probe(subsets.probe)}
        probing.ask(asked, classifier, shown, None, {"subsets": writer}, stop=4, target=2, rows=3)
    paths = {kind: tmp_path / f"{kind}.h5" for kind in ("readings", "maps")}
    metric = registry.load("metrics", "sensitivity_n", {})
    found, index = scoring.score(metric.score, paths, {}, 4, output="logit")
    asked = asking.Asked(
        classifier,
        classifier.normalise(few["data"]),
        few["index"],
        torch.from_numpy(targets).long(),
        classifier.network,
    )
    assert np.allclose(found, score("sensitivity_n", read(asked), maps), atol=1e-4)
    assert np.array_equal(index, few["index"])
    stored = artifacts.read(tmp_path / "readings.h5", artifacts.READINGS)["subset"]
    assert stored.dtype == bool
    assert pooling.of_share(stored, 0.2) == 1


def test_no_warning_is_hidden_in_metrics_of_subsets(readings):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in CORRELATIONS:
            assert np.isnan(score(name, readings, np.full((3, *SHAPE), np.nan))).all()
