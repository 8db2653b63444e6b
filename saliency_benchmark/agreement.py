"""How far do raters agree? Krippendorff's alpha (2011) and Kendall's W; the only module that knows alpha's package.

Raters are images, units are methods, a value is the rank of the method on that image (arXiv 2311.17876). Values may
also be raw scores: what holds of ranks holds of them.
"""

import krippendorff
import numpy as np
import pandas as pd
from scipy import sparse

from saliency_benchmark import bootstrap

FEW = 256  # values that a table of counts is made of; ranks of 128 methods with ties
mean_interval = bootstrap.mean_interval


def ranks(scores: np.ndarray, higher_is_better: bool) -> np.ndarray:
    """Rank of each method on each image, 1 for the best, mid-ranks for ties: (method, image) -> (image, method).

    A method with an invalid score (not finite) on an image has no rank there; the others are ranked among themselves.
    """
    valid = np.where(np.isfinite(scores), scores, np.nan)
    return pd.DataFrame(valid).rank(axis=0, ascending=not higher_is_better).to_numpy().T


def ranked(scores: np.ndarray) -> np.ndarray:
    """Which images rank anything, with two valid scores or more: (method, image) -> (image)."""
    return np.isfinite(scores).sum(0) >= 2


def alpha(ranking: np.ndarray, level: str = "ordinal") -> float:
    """Krippendorff's alpha of RANKING (image, method), NaN = missing: the package's value.

    Many different values, as raw scores are, would cost the package a table of all their pairs: they are pooled and
    sorted instead. NaN where there is nothing to agree on: fewer than two images or methods with values, or one value.
    """
    values = _few(ranking)
    if values is None:
        return bootstrap.estimate(weighted(ranking, level), len(ranking))
    methods, width = ranking.shape[1], len(values)
    counts = np.bincount(_cells(ranking, values), minlength=methods * width).reshape(methods, width)
    counts = counts[counts.sum(1) >= 2]  # a method with one value has no pair to compare
    used = counts.sum(0) > 0
    if len(counts) < 2 or used.sum() < 2:
        return float("nan")
    domain = values[used]
    return float(krippendorff.alpha(value_counts=counts[:, used], value_domain=domain, level_of_measurement=level))


def interval(ranking: np.ndarray, *, level: str, confidence: float, resamples: int, seed: int) -> bootstrap.Interval:
    """BCa bootstrap interval of alpha over the images.

    Resampling duplicates raters, who agree with themselves, and so biases alpha upward; BCa corrects it.
    """
    options = {"confidence": confidence, "resamples": resamples, "seed": seed}
    return bootstrap.interval(weighted(ranking, level), len(ranking), **options)


def kendalls_w(ranking: np.ndarray) -> float:
    """Kendall's W, corrected for ties, of the images on which every method has a rank: 0 no agreement, 1 full.

    W = 12 S / (m^2 (n^3 - n) - m T), m images, n methods, S the squared deviations of the methods' rank sums, T the sum
    of t^3 - t over all ties of t (Kendall & Gibbons, 1990, ch. 6). NaN below two images or methods, or if all tie.
    """
    whole = ranking[np.isfinite(ranking).all(1)]
    m, n = whole.shape
    if m < 2 or n < 2:
        return float("nan")
    # The squared deviations of an image's ranks are (n^3 - n - T) / 12.
    most = m * ((whole - (n + 1) / 2) ** 2).sum()
    return float(((whole.sum(0) - m * (n + 1) / 2) ** 2).sum() / most) if most > 0 else float("nan")


def alpha_from_w(w: np.ndarray, images: np.ndarray, methods: int) -> np.ndarray:
    """Alpha, ordinal and interval, of complete rankings without ties from their Kendall's W."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - (1 - w) * (images * methods - 1) / (methods * (images - 1))


def weighted(ranking: np.ndarray, level: str = "ordinal") -> bootstrap.Statistic:
    """Alpha of samples of the images as a function of their weights, (sample, image) -> (sample); exact in all forms.

    An image that is drawn twice counts as two raters. Raises ValueError where LEVEL needs the distance of each pair of
    values, and there are too many.
    """
    if level in ("ordinal", "interval") and _complete(ranking):
        return _by_sums(ranking)
    if level == "interval":
        return _by_moments(ranking)
    values = _few(ranking)
    if values is not None:
        return _by_counts(ranking, values, level)
    if level == "ordinal":
        return _by_order(ranking)
    raise ValueError(f"level {level!r} compares each pair of values, and there are more than {FEW}: give ranks")


def alpha_from_counts(counts: np.ndarray, values: np.ndarray, level: str = "ordinal") -> np.ndarray:
    """Alpha of many samples at once: counts (..., unit, value) -> (...); equals the package to 1e-12.

    With the interval metric the sum over pairs collapses to variances:
    1 - (N - 1) / N * sum_u m_u / (m_u - 1) * SS_u / SS, over units with m_u >= 2 values. Ordinal is the same with every
    value replaced by its mid-rank in the pooled sample, since the ordinal distance is the difference of those mid-ranks
    (Krippendorff, 2011). Ratio does not collapse.
    """
    m = counts.sum(-1, dtype=float)
    counts = np.where(m[..., None] >= 2, counts, 0).astype(float)
    if level == "ratio":
        return _from_distances(counts, (np.subtract.outer(values, values) / np.add.outer(values, values)) ** 2)
    pooled = counts.sum(-2)
    place = np.cumsum(pooled, -1) - pooled / 2 if level == "ordinal" else np.broadcast_to(values, pooled.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (pooled * place).sum(-1, keepdims=True) / pooled.sum(-1, keepdims=True)
    place = (place - centre)[..., None]  # around 0, so that squares lose no digits
    return _from_moments(m, np.matmul(counts, place)[..., 0], np.matmul(counts, place**2)[..., 0])


def _from_moments(m: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Alpha from how many values each unit has, their sum and the sum of their squares: (..., unit) each."""
    used = m >= 2
    m, first, second = (np.where(used, each, 0) for each in (m, first, second))
    size = m.sum(-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = second.sum(-1) - first.sum(-1) ** 2 / size
        within = np.where(used, m / (m - 1) * (second - first**2 / m), 0).sum(-1)
        result = 1 - (size - 1) / size * within / total
    # One value alone: what is left of its squares is rounding.
    return np.where((total > 1e-13 * second.sum(-1)) & (used.sum(-1) >= 2), result, np.nan)


def _from_distances(counts: np.ndarray, distances: np.ndarray) -> np.ndarray:
    """Alpha as it is defined, from the squared distance of each pair of values: counts (..., unit, value)."""
    m, pooled = counts.sum(-1), counts.sum(-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        observed = np.where(m >= 2, (counts @ distances * counts).sum(-1) / (m - 1), 0).sum(-1)
        expected = (pooled @ distances * pooled).sum(-1) / (m.sum(-1) - 1)
        return np.where((expected > 0) & ((m >= 2).sum(-1) >= 2), 1 - observed / expected, np.nan)


def _complete(ranking: np.ndarray) -> bool:
    """Did every image rank every method, without ties?"""
    return ranking.shape[1] >= 2 and bool((np.sort(ranking, axis=1) == np.arange(1, ranking.shape[1] + 1)).all())


def _by_sums(ranking: np.ndarray) -> bootstrap.Statistic:
    """The methods' rank sums say all."""
    methods = ranking.shape[1]
    exact = np.float32 if ranking.size < 2**24 else float  # sums are whole and below ranking.size
    deviations = (2 * ranking - methods - 1).astype(exact)

    def statistic(weights: np.ndarray) -> np.ndarray:
        images = weights.sum(1, dtype=float)
        sums = (weights.astype(exact, copy=False) @ deviations).astype(float)
        return alpha_from_w(3 * (sums**2).sum(1) / (images**2 * (methods**3 - methods)), images, methods)

    return statistic


def _by_moments(ranking: np.ndarray) -> bootstrap.Statistic:
    valid = np.isfinite(ranking)
    first = ranking[valid][0] if valid.any() else 0.0  # around a value: equal ones are 0, and squares lose no digits
    deviations = np.where(valid, ranking - first, 0)
    rows = [valid.astype(float), deviations, deviations**2]

    def statistic(weights: np.ndarray) -> np.ndarray:
        return _from_moments(*(weights.astype(float) @ each for each in rows))

    return statistic


def _by_counts(ranking: np.ndarray, values: np.ndarray, level: str) -> bootstrap.Statistic:
    """How many images gave each method each value says all."""
    (images, methods), width = ranking.shape, len(values)
    columns = _cells(ranking, values)
    ends = np.concatenate([[0], np.isfinite(ranking).sum(1).cumsum()])
    marks = sparse.csr_array((np.ones(len(columns), np.float32), columns, ends), (images, methods * width))

    def statistic(weights: np.ndarray) -> np.ndarray:
        return alpha_from_counts((weights @ marks).reshape(len(weights), methods, width), values, level)

    return statistic


def _by_order(ranking: np.ndarray) -> bootstrap.Statistic:
    """Ordinal alpha of many different values: their order says all."""
    methods = ranking.shape[1]
    flat = np.where(np.isfinite(ranking), ranking, np.nan).ravel()
    order = np.argsort(flat)[: np.isfinite(flat).sum()]  # the missing come last
    flat = flat[order]
    ends = np.flatnonzero(np.append(flat[1:] != flat[:-1], True))
    image = order // methods
    unit = order - image * methods
    del flat, order

    def one(weights: np.ndarray) -> float:
        weight = weights.astype(float)[image]
        m = np.bincount(unit, weight, methods)
        weight = weight if (m >= 2).all() else weight * (m >= 2)[unit]
        until = np.append(0, np.cumsum(weight)[ends])
        middle = (until[1:] + until[:-1] - until[-1]) / 2  # mid-ranks of the pooled sample, around 0
        place = middle if len(middle) == len(unit) else np.repeat(middle, np.diff(ends, prepend=-1))
        weight *= place
        first = np.bincount(unit, weight, methods)
        weight *= place
        return _from_moments(m, first, np.bincount(unit, weight, methods))

    return lambda weights: np.array([one(each) for each in weights])


def _few(ranking: np.ndarray) -> np.ndarray | None:
    """The different values of RANKING, or None where they are many."""
    valid = ranking[np.isfinite(ranking)]
    if len(np.unique(valid[: 16 * FEW])) > FEW:  # raw scores: no need to sort them all
        return None
    values = np.unique(valid)
    return values if len(values) <= FEW else None


def _cells(ranking: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Place in a table (method, value) of every value there is, image after image."""
    places = np.searchsorted(values, ranking) + len(values) * np.arange(ranking.shape[1])
    return places[np.isfinite(ranking)]
