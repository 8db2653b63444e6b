"""How good a classifier's probabilities are: accuracy, and expected calibration errors (Guo et al., 2017)."""

import numpy as np

BINS = 15


def quality(probabilities: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The columns of models.csv; probabilities (image, class), labels (image)."""
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    return {
        "accuracy": float(correct.mean()),
        "ece": ece(confidence, correct),
        "adaptive_ece": adaptive_ece(confidence, correct),
        "classwise_ece": classwise_ece(probabilities, labels),
    }


def ece(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> float:
    """Mean of |accuracy - confidence| over bins of equal width, weighted by their images.

    A bin is open below and closed above; confidence 1 belongs to the last, confidence 0 to the first.
    """
    return _weighted_gap(_bin_of(confidence, bins), confidence, correct)


def diagram(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> list[dict]:
    """What a reliability diagram shows of the bins of `ece`, numbered from 0: edges, images, mean confidence, accuracy.

    The last two are NaN in an empty bin.
    """
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    edge, place = np.linspace(0, 1, bins + 1), _bin_of(confidence, bins)
    images = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, values, bins) for values in (confidence.astype(float), correct)]
    means = [np.where(images > 0, total / np.maximum(images, 1), np.nan) for total in sums]
    columns = {"low": edge[:-1], "high": edge[1:], "confidence": means[0], "accuracy": means[1], "images": images}
    return [{"bin": number, **{name: values[number] for name, values in columns.items()}} for number in range(bins)]


def adaptive_ece(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> float:
    """The same over bins of equal mass: images sorted by confidence, cut into parts that differ by one at most."""
    place = np.empty(len(confidence), int)
    place[np.argsort(confidence, kind="stable")] = np.arange(len(confidence))
    return _weighted_gap(place * bins // len(confidence), confidence, correct)


def classwise_ece(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Mean over the classes of the ECE of "it is this class" (Kull et al., 2019)."""
    return float(np.mean([ece(column, labels == label, bins) for label, column in enumerate(probabilities.T)]))


def _bin_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    edge = np.linspace(0, 1, bins + 1)
    return np.clip(np.searchsorted(edge, confidence, side="left") - 1, 0, bins - 1)


def _weighted_gap(bin_of: np.ndarray, confidence: np.ndarray, correct: np.ndarray) -> float:
    return float(np.abs(np.bincount(bin_of, correct - confidence.astype(float))).sum() / len(confidence))
