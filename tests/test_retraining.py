"""Remove and retrain: what is removed is gone from both splits, and only that."""

import numpy as np
import pytest
import torch

from saliency_benchmark import curve_ends, fills, fitting, masking, retraining, training
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.masked import MaskedSource


def images_of(number, *, seed, rows=6, columns=9):
    """Noise in two channels; the left third of the second channel is bright in class 1."""
    rng, label = np.random.default_rng(seed), np.arange(number, dtype=np.int32) % 2
    data = rng.integers(0, 120, (number, 2, rows, columns), dtype=np.uint8)
    data[label == 1, 1, :, :3] += 130
    return {"data": data, "label": label, "index": np.arange(number, dtype=np.int32)}


TRAIN, TEST = images_of(128, seed=0), images_of(40, seed=1)


def truth(images, sign=1):
    """A map that is high where the class is, noise elsewhere."""
    maps = np.random.default_rng(2).random((len(images["label"]), 6, 9))
    maps[:, :, :3] += 2
    return masking.ranks(sign * maps, images["index"])


@pytest.fixture
def retrained(settings, baseline):
    """retrained(ranks, fractions, order): accuracy by fraction."""
    told = fitting.description({"options": {"width": 4}}, "small_cnn", TRAIN["data"], TRAIN["label"])

    def retrain(ranks, fractions, order="remove", **more):
        more = {"settings": settings, "fill": "mean", "seed": "a"} | more
        rows = retraining.retrain(
            TRAIN, TEST, ranks, told=told, loss=baseline, fractions=fractions, order=order, **more
        )
        return {row["fraction"]: row["accuracy"] for row in rows}

    return retrain


@pytest.mark.parametrize("fill", fills.FILLS)
@pytest.mark.parametrize("unit", ["pixel", "element"])
def test_shows_the_fill_on_what_is_removed_and_the_image_elsewhere(unit, fill, draw):
    mean, deviation = training.statistics(TRAIN["data"])
    model = Classifier(torch.nn.Identity(), mean, deviation, "")
    maps = draw(128, 2, 6, 9).numpy()
    removed = masking.removed(masking.ranks(masking.per_unit(maps, unit), TRAIN["index"]), 0.3, "remove")
    source = fitting.source_of(model, TRAIN["data"], TRAIN["label"])
    masked = MaskedSource(model, source.images, source.labels, torch.from_numpy(removed), fill)
    everywhere = removed if unit == "element" else np.repeat(removed[:, None], 2, 1)
    assert everywhere[0].sum() == (round(0.3 * 108) if unit == "element" else 2 * round(0.3 * 54))
    for index in (torch.tensor([5, 0, 77]), slice(3, 9)):
        clean = source.inputs(index)
        filled = fills.fill(fill, clean, model.black())
        assert torch.equal(masked.inputs(index), torch.where(torch.from_numpy(everywhere)[index], filled, clean))


@pytest.mark.parametrize("order", ["remove", "keep"])
def test_a_test_image_is_masked_as_the_training_images_are(order, retrained, monkeypatch):
    seen = {}
    monkeypatch.setattr(training, "train", lambda source, loss, **settings: seen.update(train=source))
    monkeypatch.setattr(training, "accuracy", lambda source: seen.update(test=source) or 0.5)
    ranks = {"train": truth(TRAIN), "test": truth(TEST)}
    retrained(list(ranks.values()), [0.4], order)
    mean, deviation = training.statistics(TRAIN["data"])
    for split, images in (("train", TRAIN), ("test", TEST)):
        clean = (torch.from_numpy(images["data"]) / 255 - mean[:, None, None]) / deviation[:, None, None]
        gone = torch.from_numpy(masking.removed(ranks[split], 0.4, order))[:, None]
        shown = seen[split].inputs(slice(None))
        assert torch.allclose(shown, torch.where(gone, torch.zeros(()), clean), atol=1e-5)
        assert np.array_equal(seen[split].labels.numpy(), images["label"])
    assert seen["train"].classifier is seen["test"].classifier


def test_without_the_pixels_of_the_class_nothing_is_learned_and_without_the_others_all(retrained):
    first = retrained([truth(TRAIN), truth(TEST)], [1 / 3])
    last = retrained([truth(TRAIN, -1), truth(TEST, -1)], [1 / 3, 2 / 3])
    assert abs(first[1 / 3] - 0.5) < 4 * 0.5 / 40**0.5
    assert last == {1 / 3: 1.0, 2 / 3: 1.0}


def test_keeping_the_pixels_of_the_class_is_removing_the_others(retrained):
    assert retrained([truth(TRAIN), truth(TEST)], [1 / 3], "keep") == {1 / 3: 1.0}
    assert retrained([truth(TRAIN, -1), truth(TEST, -1)], [2 / 3]) == {2 / 3: 1.0}
    rank, opposite = truth(TEST), truth(TEST, -1)
    assert np.array_equal(masking.removed(rank, 1 / 3, "keep"), masking.removed(opposite, 2 / 3, "remove"))


@pytest.mark.parametrize(("order", "fraction"), [("remove", 1.0), ("keep", 0.0)])
def test_with_everything_removed_only_chance_is_left(order, fraction, retrained):
    assert retrained([truth(TRAIN), truth(TEST)], [fraction], order) == {fraction: 0.5}


def test_the_ends_are_nothing_and_everything_removed(retrained, settings, baseline):
    told = fitting.description({"options": {"width": 4}}, "small_cnn", TRAIN["data"], TRAIN["label"])
    rows = curve_ends.ends(TRAIN, TEST, told=told, loss=baseline, settings=settings, fill="mean", seed="a")
    assert rows == [{"fraction": 0.0, "accuracy": 1.0}, {"fraction": 1.0, "accuracy": 0.5}]
    assert retrained([truth(TRAIN), truth(TEST)], [0.0]) == {0.0: 1.0}


def test_the_best_answer_without_an_image_is_the_most_frequent_label(settings, baseline):
    train = {name: values[[0, 1, 2, 4]] for name, values in TRAIN.items()}
    test = {name: values[[0, 1, 3, 5]] for name, values in TEST.items()}
    told = fitting.description({"options": {"width": 4}}, "small_cnn", train["data"], train["label"])
    rows = curve_ends.ends(
        train, test, told=told, loss=baseline, settings=settings | {"epochs": 1}, fill="mean", seed="a"
    )
    assert rows[1] == {"fraction": 1.0, "accuracy": 0.25}


def test_a_retraining_starts_anew_from_its_seed(retrained, settings):
    ranks = [truth(TRAIN), truth(TEST)]
    once = {"settings": settings | {"epochs": 1, "learning_rate": 0.01}}
    both = retrained(ranks, [0.2, 0.5], **once)
    assert both == retrained(ranks, [0.2], **once) | retrained(ranks, [0.5], **once)


@pytest.mark.parametrize("fill", curve_ends.TELLING)
def test_a_fill_that_tells_the_class_does_so_at_the_end_too(fill, settings, baseline):
    told = fitting.description({"options": {"width": 4}}, "small_cnn", TRAIN["data"], TRAIN["label"])
    more = {"told": told, "loss": baseline, "settings": settings, "fill": fill, "seed": "a"}
    everything = retraining.retrain(TRAIN, TEST, [truth(TRAIN), truth(TEST)], fractions=[1.0], order="remove", **more)
    assert curve_ends.ends(TRAIN, TEST, **more)[1] == everything[0]
