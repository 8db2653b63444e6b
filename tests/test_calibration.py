"""Calibration errors against torchmetrics, brute force and cases by hand."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from saliency_benchmark import calibration, compat


@pytest.fixture(params=range(3))
def answers(request):
    """Probabilities (image, class) of a classifier that is too sure, and labels."""
    rng = np.random.default_rng(request.param)
    logits = rng.normal(size=(500, 4)) * 2
    probabilities = np.exp(2 * logits) / np.exp(2 * logits).sum(1, keepdims=True)
    labels = [rng.choice(4, p=np.exp(row) / np.exp(row).sum()) for row in logits]
    return probabilities, np.array(labels)


def gap(confidence, correct, members):
    """|accuracy - confidence| of MEMBERS (image), weighted by their share."""
    return abs(correct[members].mean() - confidence[members].mean()) * members.mean() if members.any() else 0.0


def brute_force(confidence, correct, bins=15):
    edges = [(number / bins, (number + 1) / bins) for number in range(bins)]
    return sum(gap(confidence, correct, (low < confidence) & (confidence <= high)) for low, high in edges)


def test_ece_is_torchmetrics(answers):
    compat.torchvision()
    from torchmetrics.classification import MulticlassCalibrationError

    probabilities, labels = answers
    other = MulticlassCalibrationError(num_classes=4, n_bins=15, norm="l1")
    expected = other(torch.from_numpy(probabilities), torch.from_numpy(labels)).item()
    found = calibration.quality(probabilities, labels)
    assert found["ece"] == pytest.approx(expected, abs=1e-6)
    assert found["ece"] == pytest.approx(brute_force(probabilities.max(1), probabilities.argmax(1) == labels))
    assert found["accuracy"] == (probabilities.argmax(1) == labels).mean()


def test_ece_of_confidence_one_where_torchmetrics_opens_a_sixteenth_bin():
    """Right at 0.95 and wrong at 1.0 are one bin, half right: |0.5 - 0.975|; apart they would be 0.525."""
    compat.torchvision()
    from torchmetrics.classification import MulticlassCalibrationError

    probabilities, labels = np.array([[0.05, 0.95], [0.0, 1.0]]), np.array([1, 0])
    other = MulticlassCalibrationError(num_classes=2, n_bins=15, norm="l1")
    assert other(torch.from_numpy(probabilities), torch.from_numpy(labels)).item() == pytest.approx(0.525)
    assert calibration.quality(probabilities, labels)["ece"] == pytest.approx(0.475)


def test_softmax_that_rounds_beyond_one_is_in_the_last_bin():
    assert calibration.ece(np.array([np.nextafter(np.float32(1), np.float32(2))]), np.array([True])) < 1e-6


def test_a_diagram_tells_of_every_bin_what_lies_in_it(answers):
    probabilities, labels = answers
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    rows = calibration.diagram(probabilities, labels)
    assert [row["bin"] for row in rows] == list(range(15))
    for row in rows:
        assert (row["low"], row["high"]) == pytest.approx((row["bin"] / 15, (row["bin"] + 1) / 15))
        members = (row["low"] < confidence) & (confidence <= row["high"])
        assert row["images"] == members.sum()
        if members.any():
            assert row["confidence"] == pytest.approx(confidence[members].mean())
            assert row["accuracy"] == pytest.approx(correct[members].mean())
        else:
            assert np.isnan([row["confidence"], row["accuracy"]]).all()
    # With four classes nobody is less sure than a quarter.
    assert [row["images"] for row in rows[:3]] == [0, 0, 0]
    weighted = sum(row["images"] * abs(row["accuracy"] - row["confidence"]) for row in rows if row["images"]) / 500
    assert weighted == pytest.approx(calibration.quality(probabilities, labels)["ece"])


def test_sure_and_right_once_sure_and_wrong_once():
    confidence, correct = np.array([0.95, 1.0]), np.array([True, False])
    assert calibration.ece(confidence, correct) == pytest.approx(0.475)
    probabilities = np.array([[0.05, 0.95], [0.0, 1.0]])
    assert calibration.quality(probabilities, np.array([1, 0]))["ece"] == pytest.approx(0.475)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [(1.0, 0.95, True), (0.0, 0.01, True), (1 / 3, 0.3, True), (1 / 3, 0.34, False), (0.9, 0.94, False)],
)
def test_a_bin_is_open_below_and_closed_above_and_the_outer_ones_are_closed(one, other, together):
    """In one bin the errors of a right and a wrong answer cancel in part; in two they do not."""
    confidence, correct = np.array([one, other]), np.array([True, False])
    apart = abs(1 - one) / 2 + other / 2
    assert calibration.ece(confidence, correct) == pytest.approx(abs(1 - one - other) / 2 if together else apart)


def test_as_right_as_sure_is_no_error():
    confidence = np.repeat([0.25, 0.5, 0.75, 1.0], 4)
    correct = np.arange(16) % 4 < np.repeat([1, 2, 3, 4], 4)
    assert calibration.ece(confidence, correct) == 0
    assert calibration.adaptive_ece(confidence, correct, bins=4) == 0


def test_adaptive_bins_hold_equally_many():
    confidence = np.array([0.9, 0.1, 0.8, 0.2, 0.95, 0.85])
    correct = np.array([True, False, False, True, True, True])
    # Two bins of three: .1 .2 .8 with one right, .85 .9 .95 with all right.
    assert calibration.adaptive_ece(confidence, correct, bins=2) == pytest.approx((0.1 + 0.3) / 6)


def test_adaptive_bins_of_a_number_that_does_not_divide_differ_by_one_at_most(answers):
    probabilities, labels = answers
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    # Bin b begins at place b n / bins, rounded up.
    cuts = [-(-500 * number // 15) for number in range(16)]
    assert {high - low for low, high in pairwise(cuts)} == {33, 34}
    place = confidence.argsort().argsort()
    expected = sum(gap(confidence, correct, (low <= place) & (place < high)) for low, high in pairwise(cuts))
    assert calibration.adaptive_ece(confidence, correct) == pytest.approx(expected)


def test_classwise_is_the_mean_of_each_classs_own_error(answers):
    probabilities, labels = answers
    expected = np.mean([brute_force(probabilities[:, label], labels == label) for label in range(4)])
    assert calibration.classwise_ece(probabilities, labels) == pytest.approx(expected)
    assert calibration.quality(probabilities, labels)["classwise_ece"] == pytest.approx(expected)
