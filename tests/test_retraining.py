"""Remove and retrain: what is removed is gone from both splits, and only that."""

import weakref

import numpy as np
import pytest
import torch

from saliency_benchmark import curve_ends, fills, fitting, imputation, masked, masking, retraining, training
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


@pytest.fixture
def source():
    """source(images, removed, fill): masked images, for a classifier that gives them back."""

    def make(images, removed, fill, **more):
        mean, deviation = training.statistics(TRAIN["data"])
        model = Classifier(torch.nn.Identity(), mean, deviation, "")
        plain = fitting.source_of(model, images["data"], images["label"])
        gone = torch.from_numpy(removed)
        return MaskedSource(model, plain.images, plain.labels, gone, fill, images["index"], **more)

    return make


def some_removed(unit, draw, fraction=0.3):
    maps = draw(128, 2, 6, 9).numpy()
    return masking.removed(masking.ranks(masking.per_unit(maps, unit), TRAIN["index"]), fraction, "remove")


def per_channel(removed):
    return torch.from_numpy(removed if removed.ndim == 4 else np.repeat(removed[:, None], 2, 1))


@pytest.mark.parametrize("fill", [*fills.FILLS, "linear"])
@pytest.mark.parametrize("unit", ["pixel", "element"])
def test_shows_the_fill_on_what_is_removed_and_the_image_elsewhere(unit, fill, draw, source):
    removed = some_removed(unit, draw)
    shown, gone = source(TRAIN, removed, fill), per_channel(removed)
    assert gone[0].sum() == (round(0.3 * 108) if unit == "element" else 2 * round(0.3 * 54))
    for index in (torch.tensor([5, 0, 77]), slice(3, 9)):
        clean = training.Source.inputs(shown, index)
        if fill == "linear":
            filled = imputation.impute(clean, gone[index], TRAIN["index"][index])
            assert torch.allclose(shown.inputs(index), filled, atol=1e-5)
        else:
            filled = fills.fill(fill, clean, shown.classifier.black())
        assert torch.equal(shown.inputs(index)[~gone[index]], clean[~gone[index]])
        assert torch.allclose(shown.inputs(index)[gone[index]], filled[gone[index]], atol=1e-5)


@pytest.mark.parametrize("fill", masked.DEAR)
@pytest.mark.parametrize("unit", ["pixel", "element"])
def test_a_fill_made_once_is_the_one_made_at_every_reading_where_memory_is_short(unit, fill, draw, source, monkeypatch):
    removed = some_removed(unit, draw)
    once = source(TRAIN, removed, fill)
    monkeypatch.setitem(masked.LARGEST, "cpu", 0)
    always = source(TRAIN, removed, fill)
    assert once.filled is not None
    assert always.filled is None
    for index in (torch.tensor([5, 0, 127, 5]), slice(3, 9)):
        assert torch.allclose(once.inputs(index), always.inputs(index), atol=1e-5)


def test_a_pixel_alone_is_the_mean_of_its_neighbours_and_little_noise(source):
    """Of an image of its own: 1/6 of each beside it, 1/12 of each across a corner."""
    removed = np.zeros((40, 6, 9), bool)
    removed[:, 3, 4] = True
    weights = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]]) / 12
    shown = source(TEST, removed, "linear")
    clean = training.Source.inputs(shown, slice(None)).numpy()
    noise = shown.inputs(slice(None)).numpy()[:, :, 3, 4] - (clean[:, :, 2:5, 3:6] * weights).sum((2, 3))
    assert abs(noise.std() - 0.01) < 5 * 0.01 / (2 * 80) ** 0.5
    assert abs(noise.mean()) < 5 * 0.01 / 80**0.5
    assert np.array_equal(shown.inputs(slice(None)), source(TEST, removed, "linear").inputs(slice(None)))
    other = source(TEST, removed, "linear", seed="another").inputs(slice(None)).numpy()
    assert (other[:, :, 3, 4] != shown.inputs(slice(None)).numpy()[:, :, 3, 4]).all()


@pytest.mark.parametrize("order", ["remove", "remove_least", "keep"])
@pytest.mark.parametrize("fill", ["mean", "linear"])
def test_a_control_drawn_anew_removes_as_many_elsewhere_in_every_epoch_and_image(fill, order, source):
    model = source(TRAIN, np.zeros((128, 6, 9), bool), "mean").classifier
    fixed, anew, again = (
        masked.Split(TRAIN, truth(TRAIN), order=order, fill=fill, seed="a", redrawn=redrawn).source(model, 0.3)
        for redrawn in (False, True, True)
    )
    seen = []
    for epoch in range(3):
        for each in (fixed, anew, again):
            each.begin(epoch)
        assert (anew.removed.flatten(1).sum(1) == (54 - 16 if order == "keep" else 16)).all()
        assert torch.equal(anew.removed, again.removed)
        assert np.array_equal(fixed.removed, masking.removed(truth(TRAIN), 0.3, order))
        clean = training.Source.inputs(anew, slice(None))
        changed = (anew.inputs(slice(None)) != clean).any(1)
        assert torch.equal(changed, anew.removed)
        seen.append(anew.removed.flatten(1))
    share = seen[0].double().mean()
    for one, other in [(seen[0], seen[1]), (seen[1], seen[2]), (seen[0][:-1], seen[0][1:])]:
        # Drawn independently, two masks share this much.
        assert abs((one & other).double().mean() - share**2) < 5 * (share**2 / one.numel()) ** 0.5
    jumped = masked.Split(TRAIN, truth(TRAIN), order=order, fill=fill, seed="a", redrawn=True).source(model, 0.3)
    jumped.begin(2)
    assert torch.equal(jumped.inputs(slice(None)), anew.inputs(slice(None)))


def test_a_control_drawn_anew_is_fixed_on_the_test_images_and_the_masks_of_fractions_are_nested(retrained, monkeypatch):
    seen, epochs = [], []

    def look(source, loss, **settings):
        source.begin(0)
        epochs.append(source.removed)

    monkeypatch.setattr(training, "train", look)
    monkeypatch.setattr(training, "accuracy", lambda source: seen.append(source.removed) or 0.5)
    retrained([truth(TRAIN), truth(TEST)], [0.2, 0.6], control="redrawn")
    for fraction, removed in zip([0.2, 0.6], seen, strict=True):
        assert np.array_equal(removed, masking.removed(truth(TEST), fraction, "remove"))
    assert (epochs[0] <= epochs[1]).all()
    assert not np.array_equal(epochs[0], masking.removed(truth(TRAIN), 0.2, "remove"))


def test_drawn_anew_no_place_tells_the_class(retrained):
    """Where fixed maps point at the class, all of it goes; at random, enough of it stays in every image."""
    ranks = [truth(TRAIN), truth(TEST, -1)]
    assert retrained(ranks, [1 / 3], control="redrawn") == {1 / 3: 1.0}
    assert abs(retrained([truth(TRAIN), truth(TEST)], [1 / 3])[1 / 3] - 0.5) < 4 * 0.5 / 40**0.5


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


def test_everything_imputed_is_mean_colour_and_noise_which_tells_nothing(retrained, settings, baseline, source):
    shown = source(TRAIN, np.ones((128, 6, 9), bool), "linear").inputs(slice(None))
    assert abs(shown.std() - 0.01) < 5 * 0.01 / (2 * shown.numel()) ** 0.5
    assert shown.abs().max() < 0.06
    told = fitting.description({"options": {"width": 4}}, "small_cnn", TRAIN["data"], TRAIN["label"])
    rows = curve_ends.ends(TRAIN, TEST, told=told, loss=baseline, settings=settings, fill="linear", seed="a")
    assert rows[1] == {"fraction": 1.0, "accuracy": 0.5}
    found = retrained([truth(TRAIN), truth(TEST)], [1.0], fill="linear")[1.0]
    assert abs(found - 0.5) < 4 * 0.5 / 40**0.5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda rank, index: (rank[:, :5], index), "maps of 5 x 9, and images of 6 x 9 pixels"),
        (lambda rank, index: (np.stack([rank] * 3, 1), index), "maps of 3 channels, and images of 2"),
        (
            lambda rank, index: (rank[::2], index[::2]),
            "20 maps, and 40 images: none of image 1; wanted: a map of every",
        ),
        (lambda rank, index: (rank, index + 1), "40 maps, and 40 images: none of image 0"),
        (lambda rank, index: (rank, index[::-1]), "40 maps, and 40 images: in another order"),
        (lambda rank, index: (np.concatenate([rank] * 2), np.concatenate([index] * 2)), "80 maps, and 40 images"),
    ],
)
def test_maps_of_other_images_are_refused(spoil, message):
    rank, index = spoil(truth(TEST), TEST["index"])
    with pytest.raises(ValueError, match=f"the test split has {message}"):
        retraining.matched(TEST, {"level": rank, "index": index}, "test")


@pytest.mark.parametrize("unit", ["pixel", "element"])
def test_maps_of_the_images_are_taken_as_they_are(unit, draw):
    rank = masking.ranks(masking.per_unit(draw(40, 2, 6, 9).numpy(), unit), TEST["index"])
    assert retraining.matched(TEST, {"level": rank, "index": TEST["index"]}, "test").level is rank


@pytest.mark.parametrize("together", [1, 2, 5])
@pytest.mark.parametrize("fill", ["mean", "blur", "linear"])
def test_retrainings_of_one_job_are_those_of_jobs_of_their_own(fill, together, settings, baseline, monkeypatch):
    """Two methods, two repeats; trained side by side they may differ by rounding."""
    told = fitting.description({"options": {"width": 4}}, "small_cnn", TRAIN["data"], TRAIN["label"])
    how = {"told": told, "loss": baseline, "settings": settings | {"epochs": 1}, "order": "remove", "fill": fill}
    how |= {"fractions": [0.2, 0.7]}
    ranks = {sign: [truth(images, sign) for images in (TRAIN, TEST)] for sign in (1, -1)}
    seen = []
    monkeypatch.setattr(training, "accuracy", lambda source: seen.append(training.logits(source)) or len(seen))
    asked = [(sign, seed, control) for sign, control in ((1, None), (-1, "redrawn")) for seed in ("a", "b")]
    for sign, seed, control in asked:
        retraining.retrain(TRAIN, TEST, ranks[sign], seed=seed, control=control, **how)
    alone = torch.stack(seen)
    seen.clear()
    parts = [
        retraining.Part(f"{sign} {seed}", lambda sign=sign: ranks[sign], seed, control) for sign, seed, control in asked
    ]
    found = retraining.curves(TRAIN, TEST, parts, together=together, **how)
    assert [row["fraction"] for rows in found for row in rows] == [0.2, 0.7] * 4
    assert [row["accuracy"] for rows in found for row in rows] == [*range(1, 9)]
    assert torch.allclose(torch.stack(seen), alone, rtol=0, atol=0 if together == 1 else 1e-3)


def test_no_more_ranks_are_held_than_are_at_work(settings, baseline):
    """Five methods, one after the other: when the ranks of one are read, those of the one before are gone."""
    told = fitting.description({"options": {"width": 4}}, "small_cnn", TRAIN["data"], TRAIN["label"])
    how = {"told": told, "loss": baseline, "settings": settings | {"epochs": 1}, "order": "remove", "fill": "mean"}
    living = []

    def read():
        made = [truth(images) for images in (TRAIN, TEST)]
        living.append(weakref.ref(made[0]))
        return made

    def look(network, inputs, labels, **more):
        assert sum(each() is not None for each in living) == 1
        return baseline(network, inputs, labels, **more)

    parts = [retraining.Part(str(number), read, "a") for number in range(5)]
    retraining.curves(
        TRAIN,
        TEST,
        parts,
        fractions=[0.5],
        **how | {"loss": lambda *given, generator: look(*given, generator=generator)},
    )
    assert len(living) == 5
