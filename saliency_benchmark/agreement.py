"""How far do raters agree? Krippendorff's alpha with a bootstrap interval; the only module that knows its package.

Raters are images, units are methods, a value is the rank of the method on that image (arXiv 2311.17876).
"""

import krippendorff
import numpy as np
import pandas as pd
from scipy import special

from saliency_benchmark import seeds

Interval = tuple[float, float]


def ranks(scores: np.ndarray, higher_is_better: bool) -> np.ndarray:
    """Rank of each method on each image, 1 for the best, mid-ranks for ties: (method, image) -> (image, method).

    A method with an invalid score (NaN) on an image has no rank there; the others are ranked among themselves.
    """
    return pd.DataFrame(scores).rank(axis=0, ascending=not higher_is_better).to_numpy().T


def alpha(ranking: np.ndarray, level: str = "ordinal") -> float:
    """Krippendorff's alpha of RANKING (image, method), NaN = missing: the package's value.

    NaN where there is nothing to agree on: fewer than two images or methods with values, or one value alone.
    """
    counts = _counts(ranking)
    if not _defined(counts):
        return float("nan")
    used = counts.sum(0) > 0
    pairable, values = counts[counts.sum(1) > 0][:, used], _values(ranking)[used]
    return float(krippendorff.alpha(value_counts=pairable, value_domain=values, level_of_measurement=level))


def alpha_from_counts(counts: np.ndarray, values: np.ndarray, level: str = "ordinal") -> np.ndarray:
    """Alpha of many samples at once: counts (..., unit, value) -> (...); equals the package to 1e-12.

    With the interval metric the sum over pairs collapses to variances:
    1 - (N - 1) / N * sum_u m_u / (m_u - 1) * SS_u / SS, over units with m_u >= 2 values. Ordinal is the same with every
    value replaced by its mid-rank in the pooled sample, since the ordinal distance is the difference of those mid-ranks
    (Krippendorff, 2011).
    """
    m = counts.sum(-1, keepdims=True)
    counts = np.where(m >= 2, counts, 0).astype(float)
    pooled = counts.sum(-2)
    size = pooled.sum(-1)
    place = np.cumsum(pooled, -1) - pooled / 2 if level == "ordinal" else np.broadcast_to(values, pooled.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (pooled * place).sum(-1, keepdims=True) / size[..., None]
        place = place - centre  # around 0, so that squares lose no digits
        total = (pooled * place**2).sum(-1)
        unit = np.matmul(counts, place[..., None])[..., 0]
        scatter = np.matmul(counts, place[..., None] ** 2)[..., 0] - np.where(m[..., 0] > 0, unit**2 / m[..., 0], 0)
        weight = np.where(m[..., 0] >= 2, m[..., 0] / (m[..., 0] - 1), 0)
        result = 1 - (size - 1) / size * (weight * scatter).sum(-1) / total
    return np.where((total > 0) & ((m[..., 0] >= 2).sum(-1) >= 2), result, np.nan)


def interval(ranking: np.ndarray, *, level: str, confidence: float, resamples: int, seed: int) -> Interval:
    """BCa bootstrap interval of alpha over the images (Efron, 1987).

    Resampling duplicates raters, who agree with themselves, and so biases alpha upward; BCa corrects it.
    """
    values, marks = _values(ranking), _marks(ranking)
    if not len(values):
        return float("nan"), float("nan")
    replicates = alpha_from_counts(_resampled(marks.astype(float), resamples, seed), values, level)
    whole = marks.sum(0)
    blocks = (marks[start : start + 256] for start in range(0, len(marks), 256))
    left_out = np.concatenate([alpha_from_counts(whole - block, values, level) for block in blocks])
    return bca(float(alpha_from_counts(whole, values, level)), replicates, left_out, confidence)


def mean_interval(scores: np.ndarray, *, confidence: float, resamples: int, seed: int) -> Interval:
    """BCa bootstrap interval of the mean over the valid images: scores (image)."""
    valid = scores[np.isfinite(scores)]
    if len(valid) < 2:
        return float("nan"), float("nan")
    left_out = (valid.sum() - valid) / (len(valid) - 1)
    replicates = _resampled(valid[:, None], resamples, seed)[:, 0] / len(valid)
    return bca(float(valid.mean()), replicates, left_out, confidence)


def bca(estimate: float, replicates: np.ndarray, left_out: np.ndarray, confidence: float) -> Interval:
    """Bias-corrected and accelerated interval (Efron, 1987, eq. 6.8); NaN where the estimate is."""
    replicates, left_out = replicates[np.isfinite(replicates)], left_out[np.isfinite(left_out)]
    if not np.isfinite(estimate) or len(replicates) < 2 or len(left_out) < 2:
        return float("nan"), float("nan")
    if np.ptp(replicates) < 1e-12:
        return estimate, estimate
    below = ((replicates < estimate).sum() + (replicates == estimate).sum() / 2) / len(replicates)
    # All replicates on one side: as far out as this many of them can tell.
    bias = special.ndtri(np.clip(below, 0.5 / len(replicates), 1 - 0.5 / len(replicates)))
    spread = left_out.mean() - left_out
    scale = (spread**2).sum() ** 1.5
    acceleration = (spread**3).sum() / (6 * scale) if scale > 0 else 0.0
    quantile = special.ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    shifted = special.ndtr(bias + (bias + quantile) / (1 - acceleration * (bias + quantile)))
    low, high = np.quantile(replicates, shifted)
    return float(low), float(high)


def _resampled(rows: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Sums over rows drawn with replacement: rows (image, ...) -> (resample, ...)."""
    rng, number = seeds.rng("bootstrap", seed), len(rows)
    flat = rows.reshape(number, -1)
    sums = np.empty((resamples, flat.shape[1]))
    size = max(1, 2**22 // number)
    for start in range(0, resamples, size):
        stop = min(start + size, resamples)
        draws = rng.integers(0, number, (stop - start, number)) + number * np.arange(stop - start)[:, None]
        weights = np.bincount(draws.ravel(), minlength=(stop - start) * number).reshape(-1, number)
        sums[start:stop] = weights @ flat
    return sums.reshape(resamples, *rows.shape[1:])


def _values(ranking: np.ndarray) -> np.ndarray:
    return np.unique(ranking[np.isfinite(ranking)])


def _marks(ranking: np.ndarray) -> np.ndarray:
    """True where an image gave a method a value: (image, method, value)."""
    return ranking[:, :, None] == _values(ranking)


def _counts(ranking: np.ndarray) -> np.ndarray:
    """How many images gave each method each value, (method, value); methods with one value have no pair to compare."""
    counts = _marks(ranking).sum(0)
    return np.where(counts.sum(1, keepdims=True) >= 2, counts, 0)


def _defined(counts: np.ndarray) -> bool:
    return (counts.sum(1) >= 2).sum() >= 2 and (counts.sum(0) > 0).sum() >= 2
