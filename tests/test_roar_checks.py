"""What checks ROAR: masks that tell the class by their shape, and maps made anew at every step."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from saliency_benchmark import (
    fitting,
    leakage,
    masked,
    masking,
    recursion,
    reexplaining,
    retraining,
    roar,
    seeds,
    tables,
    training,
)
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.classifier import Classifier
from tests.test_retraining import TEST, TRAIN, truth

TOLD = fitting.description({"options": {"width": 4}}, "small_cnn", TRAIN["data"], TRAIN["label"])
FRACTIONS = [0.2, 0.5, 0.8]


def by_shape(images, sign=1):
    """Maps that are high on the left for one class and on the right for the other, whatever the image shows."""
    maps = np.random.default_rng(4).random((len(images["label"]), 6, 9)) - 3
    maps[images["label"] == 1, :, :4] += 3
    maps[images["label"] == 0, :, 5:] += 3
    return masking.ranks(sign * maps, images["index"])


def by_chance(images, seed):
    return masking.ranks(np.random.default_rng(seed).random((len(images["label"]), 6, 9)), images["index"])


@pytest.fixture
def leak(settings, baseline):
    def make(ranks, fractions, order="remove", train=TRAIN, **more):
        rows = leakage.leak(train, TEST, ranks, told=TOLD, loss=baseline, settings=settings | more,
                            fractions=fractions, order=order, seed="a")  # fmt: skip
        assert [row["fraction"] for row in rows] == fractions
        return [(row["accuracy"], row["chance"]) for row in rows]

    return make


@pytest.mark.parametrize("order", ["remove", "keep"])
def test_masks_whose_shape_is_the_class_tell_it_without_any_image(order, leak):
    assert leak([by_shape(TRAIN), by_shape(TEST)], [0.3], order) == [(1.0, 0.5)]


def test_masks_drawn_by_chance_tell_nothing(leak):
    for accuracy, chance in leak([by_chance(TRAIN, 0), by_chance(TEST, 1)], [0.3, 0.7]):
        assert abs(accuracy - chance) < 4 * 0.5 / 40**0.5


def test_masks_that_are_all_alike_give_what_the_most_frequent_label_gives(leak):
    few = {name: values[np.r_[0:60, 60:128:2]] for name, values in TRAIN.items()}
    assert np.bincount(few["label"]).tolist() == [64, 30]
    alike = [np.broadcast_to(np.arange(54, dtype=np.uint8).reshape(6, 9), (len(images["label"]), 6, 9))
             for images in (few, TEST)]  # fmt: skip
    assert leak(alike, [0.4], train=few, epochs=2) == [(0.5, 0.5)]


@pytest.mark.parametrize("unit", ["pixel", "element"])
def test_the_network_sees_the_mask_less_its_mean_in_every_channel_and_no_pixel(unit, draw):
    mean, deviation = training.statistics(TRAIN["data"])
    maps = masking.per_unit(draw(128, 2, 6, 9).numpy(), unit)
    removed = masking.removed(masking.ranks(maps, TRAIN["index"]), 0.3, "remove")
    source = leakage.source_of(Classifier(torch.nn.Identity(), mean, deviation, ""), TRAIN, removed)
    everywhere = removed if unit == "element" else np.repeat(removed[:, None], 2, 1)
    for index in (torch.tensor([5, 0, 77]), slice(3, 9)):
        shown = source.inputs(index)
        expected = torch.from_numpy(everywhere)[index].float()
        assert torch.allclose(shown, expected - expected.mean((1, 2, 3), keepdim=True), atol=1e-6)
        assert shown.sum((1, 2, 3)).abs().max() < 1e-4


@pytest.fixture
def walk(settings, baseline):
    """walk(method, fractions): accuracies, and the rank maps before each step and after the last."""

    def make(method, fractions, ranks, *, fill="mean", unit="pixel", seed="a", options=None, explain=None, **more):
        explainer = recursion.explaining({method: {"options": options or {}}}, {}, [])
        found, accuracies = [ranks], {}
        for fraction in fractions:
            removal = recursion.Removal(fraction, fill, unit, 0)
            row, after = recursion.step(
                WITH_REGIONS[0], WITH_REGIONS[1], found[-1], removal, told=TOLD, loss=baseline,
                settings=settings | {"epochs": 2} | more, seed=seed, explainer=explainer, explain=explain or {},
            )  # fmt: skip
            accuracies[row["fraction"]] = row["accuracy"]
            found.append(after)
        return accuracies, found

    return make


def with_regions(images):
    region = np.zeros((len(images["label"]), 6, 9), bool)
    region[:, :, :3] = True
    return images | {"region": region}


WITH_REGIONS = with_regions(TRAIN), with_regions(TEST)


def plain(ranks, fractions, settings, loss, *, seed="a", fill="mean"):
    rows = retraining.retrain(TRAIN, TEST, ranks, told=TOLD, loss=loss, settings=settings | {"epochs": 2},
                              fractions=fractions, order="remove", fill=fill, seed=seed)  # fmt: skip
    return {row["fraction"]: row["accuracy"] for row in rows}


@pytest.mark.parametrize("unit", ["pixel", "element"])
def test_what_is_removed_stays_removed_and_each_step_removes_exactly_its_share(unit, walk, draw):
    maps = [draw(len(images["label"]), 2, 6, 9).numpy() for images in (TRAIN, TEST)]
    ranks = [masking.ranks(masking.per_unit(one, unit), images["index"])
             for one, images in zip(maps, (TRAIN, TEST), strict=True)]  # fmt: skip
    _, found = walk("gradient", FRACTIONS, ranks, unit=unit)
    for split in (0, 1):
        entries = found[0][split][0].size
        gone = [masking.removed(state[split], fraction, "remove")
                for state, fraction in zip(found, FRACTIONS, strict=False)]  # fmt: skip
        for before, after in pairwise(gone):
            assert (before <= after).all()
        for one, fraction in zip(gone, FRACTIONS, strict=True):
            assert (one.reshape(len(one), -1).sum(1) == round(fraction * entries)).all()
        for state in found:
            assert state[split].dtype == found[0][split].dtype
            assert (np.sort(state[split].reshape(len(state[split]), -1), 1) == np.arange(entries)).all()
        # The network decides: what is left is in another order after each step.
        assert all((one[split] != other[split]).any() for one, other in pairwise(found))


@pytest.mark.parametrize("fill", ["mean", "blur", "linear"])
def test_the_first_step_is_plain_roars_first_fraction(fill, walk, settings, baseline):
    ranks = [truth(TRAIN), truth(TEST)]
    first, _ = walk("gradient", FRACTIONS[:1], ranks, fill=fill)
    assert first == plain(ranks, FRACTIONS[:1], settings, baseline, fill=fill)


@pytest.mark.parametrize("method", ["oracle", "centre_blob"])
def test_a_method_that_ignores_network_and_image_gives_plain_roars_curve(method, walk, settings, baseline):
    """Ties and all: the oracle has two values."""
    maps = {"oracle": [images["region"].astype(float) for images in WITH_REGIONS]}
    explained = maps.get(method) or [maps_of_blob(images) for images in (TRAIN, TEST)]
    ranks = [masking.ranks(one, images["index"]) for one, images in zip(explained, (TRAIN, TEST), strict=True)]
    accuracies, found = walk(method, FRACTIONS, ranks)
    assert accuracies == plain(ranks, FRACTIONS, settings, baseline)
    for state in found:
        assert all(np.array_equal(one, other) for one, other in zip(state, ranks, strict=True))


def maps_of_blob(images):
    explainer = reexplaining.explainer({"centre_blob": {}}, classifier_of(images), {}, None)
    inputs = torch.zeros(len(images["label"]), 2, 6, 9)
    return explainer(inputs, torch.zeros(len(inputs), dtype=torch.long)).numpy()


def classifier_of(images):
    return fitting.untrained(TOLD, images["data"], 0)


def test_the_maps_are_those_of_the_retrained_network_on_the_masked_images(walk, settings, baseline):
    ranks = [truth(TRAIN), truth(TEST)]
    _, found = walk("input_x_gradient", [0.3], ranks, explain={"rows": 7, "target": "label"})
    model = fitting.untrained(TOLD, TRAIN["data"], seed_of("a"))
    gone = [masking.removed(rank, 0.3, "remove") for rank in ranks]
    training.train(masked.source_of(model, TRAIN, gone[0], "mean"), baseline, seed="a", **settings | {"epochs": 2})
    shown = masked.source_of(model, TEST, gone[1], "mean").inputs(slice(None))
    maps = reexplaining.explainer({"input_x_gradient": {}}, model, {}, None)(
        shown, torch.from_numpy(TEST["label"]).long()
    )
    values = maps.sum(1).numpy()
    for rank, image, away in zip(found[1][1], values, gone[1], strict=True):
        order = rank[~away].argsort()
        assert (np.diff(image[~away][order]) <= 1e-6).all()
        assert (rank[away] < away.sum()).all()


def seed_of(seed):
    return seeds.derive("weights", seed)


def test_continuing_by_hand():
    rank = np.array([[[0, 3], [1, 2]]], np.uint8)
    values = np.array([[[0.0, 5.0], [9.0, 7.0]]])
    assert recursion.continued(rank, 2, values, np.array([0]), 0).tolist() == [[[0, 3], [1, 2]]]
    assert recursion.continued(rank, 1, values, np.array([0]), 0).tolist() == [[[0, 3], [1, 2]]]
    assert recursion.continued(rank, 0, values, np.array([0]), 0).tolist() == [[[3, 2], [0, 1]]]
    assert recursion.continued(rank, 2, -values, np.array([0]), 0).tolist() == [[[0, 2], [1, 3]]]


KEYS = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0, "order": "remove", "fill": "mean", "unit": "pixel"}


def test_the_steps_of_a_curve_stand_between_its_ends(tmp_path):
    ends, steps, rows = tmp_path / "ends.csv", [], []
    pd.DataFrame({"fraction": [0, 1], "accuracy": [0.9, 0.1]}).to_csv(ends, index=False)
    for method in ("b", "a"):
        for fraction in (0.7, 0.2):
            steps.append(tmp_path / f"{method}-{fraction}.csv")
            pd.DataFrame({"fraction": [fraction], "accuracy": [1 - fraction]}).to_csv(steps[-1], index=False)
            rows.append({**KEYS, "method": method, "repeat": 0, "fraction": fraction})
    table = roar.stepwise(steps, [ends] * 4, rows)
    assert list(table.columns) == roar.COLUMNS
    assert table["method"].tolist() == ["b"] * 4 + ["a"] * 4
    assert table["fraction"].tolist() == [0, 0.2, 0.7, 1] * 2
    assert table["accuracy"].tolist() == pytest.approx([0.9, 0.8, 0.3, 0.1] * 2)


def test_what_masks_tell_stands_in_one_table_with_its_keys(tmp_path):
    pd.DataFrame({"fraction": [0.5], "accuracy": [0.4], "chance": [0.1]}).to_csv(tmp_path / "one.csv", index=False)
    row = {**KEYS, "method": "gradient", "repeat": 1}
    table = tables.keyed([tmp_path / "one.csv"], [row], roar.LEAKAGE)
    names = "dataset model recipe seed method order unit fraction repeat accuracy chance"
    assert list(table.columns) == names.split()
    assert table.iloc[0].tolist() == ["d", "m", "r", 0, "gradient", "remove", "pixel", 0.5, 1, 0.4, 0.1]


def test_what_was_trained_before_a_job_was_killed_is_not_trained_again(settings, baseline, tmp_path, monkeypatch):
    ranks, done = [by_shape(TRAIN), by_shape(TEST)], []
    real = training.train
    monkeypatch.setattr(training, "train", lambda *given, **more: done.append(True) or real(*given, **more))
    how = {"told": TOLD, "loss": baseline, "settings": settings | {"epochs": 1}, "order": "remove", "seed": "a"}
    first = leakage.leak(TRAIN, TEST, ranks, fractions=[0.3], saved=Checkpoint(tmp_path / "a.csv", {}), **how)
    both = leakage.leak(TRAIN, TEST, ranks, fractions=[0.3, 0.6], saved=Checkpoint(tmp_path / "a.csv", {}), **how)
    assert both[:1] == first
    assert len(done) == 2
