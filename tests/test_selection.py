"""Images set aside, the epoch chosen by them, and the end of a training: no step sees them, no test image decides."""

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import artifacts, calibration, fitting, selection, splitting, training
from saliency_benchmark import classifier as classifiers
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.training import Source


def classes(*counts, seed=0):
    return np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.9])
def test_the_same_share_of_every_class_is_set_aside(share):
    labels = classes(40, 100, 7)
    kept, aside = splitting.split(labels, share, 0)
    assert sorted([*kept, *aside]) == list(range(147))
    assert (np.diff(aside) > 0).all()
    assert np.bincount(labels[aside]).tolist() == [round(share * number) for number in (40, 100, 7)]


def test_no_class_loses_all_its_images_or_keeps_them_all_but_one_of_one_image():
    labels = classes(2, 3, 1, 50)
    for share in (0.01, 0.99):
        kept, aside = splitting.split(labels, share, 0)
        assert set(labels[kept]) == {0, 1, 2, 3}
        assert set(labels[aside]) == {0, 1, 3}


def test_which_images_is_a_matter_of_the_seed_alone():
    labels = classes(60, 60)
    first, again, other = (splitting.split(labels, 0.2, seed)[1].tolist() for seed in (0, 0, 1))
    assert first == again != other
    often = np.mean([np.isin(np.arange(120), splitting.split(labels, 0.2, seed)[1]) for seed in range(400)], 0)
    assert np.abs(often - 0.2).max() < 4.5 * (0.2 * 0.8 / 400) ** 0.5


@pytest.mark.parametrize(("epochs", "number"), [(1, 5), (50, 5), (51, 6), (60, 6), (100, 10), (101, 11)])
def test_a_tenth_of_the_epochs_and_at_least_five_are_good_enough(epochs, number):
    assert selection.candidates(epochs) == number


def test_the_best_calibrated_of_the_most_accurate_is_chosen():
    accuracy = [0.1, 0.9, 0.8, 0.85, 0.7, 0.86, 0.87]
    # The best calibrated epoch of all is the first, which is not among the best five.
    assert selection.calibrated(accuracy, [0.0, 0.3, 0.2, 0.25, 0.1, 0.05, 0.4]) == 5
    assert selection.calibrated(accuracy, [0.0, 0.3, 0.02, 0.25, 0.01, 0.05, 0.4]) == 2
    # Equal errors: the more accurate; equal in both: the earlier.
    assert selection.calibrated(accuracy, [0.1] * 7) == 1
    assert selection.calibrated([0.5, 0.9, 0.9], [0.1] * 3) == 1
    assert selection.calibrated([0.5], [0.3]) == 0


class Numbered(nn.Module):
    """A network that only remembers a number."""

    def __init__(self):
        super().__init__()
        self.number = nn.Parameter(torch.zeros(1))
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, images):
        return images.flatten(1)[:, :2] + self.number


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("epochs", [3, 8, 57, 80])
def test_what_is_kept_on_the_way_is_enough_to_choose_at_any_end(epochs, seed, monkeypatch):
    """Against keeping every epoch: the weights restored are those of the epoch that the whole course chooses."""
    rng = np.random.default_rng(seed)
    found = [{"accuracy": accuracy, "ece": ece} for accuracy, ece in rng.integers(0, 12, (epochs, 2)) / 12]
    source = Source(
        Classifier(Numbered(), torch.zeros(1), torch.ones(1), ""), torch.zeros(2, 1, 1, 2).byte(), torch.arange(2)
    )
    for end in {1, epochs // 2 or 1, epochs}:
        told = iter(found)
        monkeypatch.setattr(calibration, "quality", lambda *_, told=told: next(told))
        watch = selection.Watch(source, epochs, keep=True)
        network = source.classifier.network
        for epoch in range(end):
            network.number.data.fill_(epoch)
            network.seen.fill_(epoch)
            assert not watch()
            assert len(watch._kept) <= selection.candidates(epochs)
        expected = selection.calibrated(
            [each["accuracy"] for each in found[:end]], [each["ece"] for each in found[:end]]
        )
        assert watch.restore() == expected
        assert network.number.item() == network.seen.item() == expected


@pytest.mark.parametrize(
    ("accuracy", "patience", "end"),
    [([0.1, 0.2, 0.3, 0.3, 0.2, 0.9], 2, 5), ([0.1, 0.2, 0.3, 0.4], 1, None), ([0.5, 0.4, 0.6, 0.6, 0.6], 2, 5),
     ([0.5, 0.5], 1, 2), ([0.9, 0.1, 0.1], None, None)],
)  # fmt: skip
def test_training_ends_once_the_accuracy_has_not_risen_for_as_long_as_patience_lasts(
    accuracy, patience, end, monkeypatch
):
    source = Source(
        Classifier(Numbered(), torch.zeros(1), torch.ones(1), ""), torch.zeros(2, 1, 1, 2).byte(), torch.arange(2)
    )
    told = iter(accuracy)
    monkeypatch.setattr(calibration, "quality", lambda *_: {"accuracy": next(told), "ece": 0.0})
    watch = selection.Watch(source, 100, patience)
    stopped = next((epoch for epoch in range(1, len(accuracy) + 1) if watch()), None)
    assert stopped == end


@pytest.fixture
def obtained(training_images, settings, baseline):
    """obtained(**settings): what a run with validation images gives, and the images and labels it began with."""
    data, labels = training_images["data"][:400], training_images["label"][:400]

    def obtain(seed=0, loss=baseline, **more):
        told = fitting.description({"options": {"width": 4}}, "small_cnn", data, labels)
        return fitting.obtain(data, labels, told, loss, seed, settings | {"epochs": 3} | more)

    return obtain


def weights(source):
    return [value.clone() for value in source.classifier.network.state_dict().values()]


def test_no_image_set_aside_is_in_any_step_or_in_the_statistics(obtained, training_images):
    seen = set()

    def loss(network, inputs, labels):
        seen.update(each.numpy().tobytes() for each in inputs)
        return nn.functional.cross_entropy(network(inputs), labels)

    data, labels = training_images["data"][:400], training_images["label"][:400]
    source, _ = obtained(loss=loss, validation=0.25, epochs=8)
    kept, aside = splitting.split(labels, 0.25, 0)
    assert np.array_equal(source.images.numpy(), data[kept])
    assert np.allclose(source.classifier.mean, data[kept].mean((0, 2, 3)) / 255)
    inputs = [{each.numpy().tobytes() for each in source.classifier.normalise(data[part])} for part in (kept, aside)]
    assert not seen & inputs[1]
    assert len(seen & inputs[0]) > 0.9 * len(kept)


def test_watching_changes_no_weight(obtained, training_images, settings, baseline):
    """The same images without a watch: the same weights, dropout and batch norm included."""
    watched, course = obtained(validation=0.25)
    kept, _ = splitting.split(training_images["label"][:400], 0.25, 0)
    data, labels = training_images["data"][kept], training_images["label"][kept]
    told = fitting.description({"options": {"width": 4}}, "small_cnn", data, labels)
    alone, curve = fitting.fit(data, labels, told, baseline, 0, settings | {"epochs": 3})
    assert all(torch.equal(one, other) for one, other in zip(weights(watched), weights(alone), strict=True))
    assert np.array_equal(course.curves["loss"], curve)
    assert course.facts == {"epoch": 3}


def test_the_curves_are_those_of_the_images_set_aside_after_every_epoch(obtained, training_images):
    source, course = obtained(validation=0.25, schedule="constant")
    shorter, _ = obtained(validation=0.25, schedule="constant", epochs=2, warmup=0.3)
    _, aside = splitting.split(training_images["label"][:400], 0.25, 0)
    held = fitting.source_of(source.classifier, training_images["data"][aside], training_images["label"][aside])
    last = calibration.quality(training.probabilities(held).numpy(), held.labels.numpy())
    assert {len(curve) for curve in course.curves.values()} == {3}
    assert course.curves["validation_accuracy"][-1] == last["accuracy"]
    assert course.curves["validation_ece"][-1] == last["ece"]
    # 18 steps of which 3.6 rise, 12 of which 3.6 rise: the same course as far as it goes.
    held.classifier = shorter.classifier
    second = calibration.quality(training.probabilities(held).numpy(), held.labels.numpy())
    assert course.curves["validation_accuracy"][1] == second["accuracy"]


def test_the_calibrated_epoch_s_weights_are_used_and_the_rest_is_told(obtained):
    more = {"validation": 0.25, "schedule": "constant", "warmup": 0.0, "epochs": 8}
    source, course = obtained(**more, selection="calibrated")
    accuracy, ece = course.curves["validation_accuracy"], course.curves["validation_ece"]
    chosen = selection.calibrated(accuracy.tolist(), ece.tolist())
    assert course.facts["epoch"] == chosen + 1
    assert 0 < chosen < 7  # or the test would not tell it from the first or the last
    then, _ = obtained(**more | {"epochs": chosen + 1})
    assert all(torch.equal(one, other) for one, other in zip(weights(source), weights(then), strict=True))
    assert not any(module.training for module in source.classifier.network.modules())


def test_patience_ends_a_training_early_and_the_curves_with_it(obtained):
    more = {"validation": 0.25, "schedule": "constant", "warmup": 0.0, "learning_rate": 1e-6}
    _, course = obtained(**more, patience=2, epochs=30)
    accuracy = course.curves["validation_accuracy"]
    assert len(accuracy) == len(course.curves["loss"]) == accuracy.argmax() + 3 < 30


def test_a_model_file_holds_the_curves_and_the_epoch(obtained, tmp_path):
    source, course = obtained(validation=0.25)
    told = fitting.description({"options": {"width": 4}}, "small_cnn", source.images.numpy(), source.labels.numpy())
    classifiers.save(tmp_path / "model.h5", source.classifier, told, course.curves, {}, course.facts)
    stored = artifacts.read(tmp_path / "model.h5", artifacts.MODEL)
    assert all(np.array_equal(stored[name], curve) for name, curve in course.curves.items())
    assert {"loss", "validation_accuracy", "validation_ece"} == course.curves.keys()
    assert artifacts.facts(tmp_path / "model.h5", artifacts.MODEL)["epoch"] == 3
    loaded = classifiers.load(tmp_path / "model.h5")
    assert all(
        torch.equal(one, other)
        for one, other in zip(weights(source), loaded.network.state_dict().values(), strict=True)
    )


def test_without_validation_nothing_more_is_told(obtained):
    _, course = obtained()
    assert course.curves.keys() == {"loss"}
    assert course.facts == {}
