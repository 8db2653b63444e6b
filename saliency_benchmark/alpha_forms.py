"""Krippendorff's alpha of many samples of images at once, in the form that is quickest; all forms are exact.

With the interval metric the sum over pairs of values collapses to variances:
1 - (N - 1) / N * sum_u m_u / (m_u - 1) * SS_u / SS, over the N values of units u with m_u >= 2 values. Ordinal is the
same with every value replaced by its mid-rank in the pooled sample, since the ordinal distance is the difference of
those mid-ranks (Krippendorff, 2011). Complete rankings without ties need Kendall's W alone.
"""

import numpy as np
from scipy import sparse

from saliency_benchmark.bootstrap import Statistic

FEW = 256  # values that a table of counts is made of; ranks of 128 methods with ties


def weighted(ranking: np.ndarray, level: str) -> Statistic:
    """Alpha of RANKING (image, method), NaN = missing, as a function of weights, (sample, image) -> (sample).

    An image that is drawn twice is two raters who agree fully, as in the sample written out. Raises ValueError where
    LEVEL needs the distance of each pair of values, and there are too many.
    """
    if level in ("ordinal", "interval") and _complete(ranking):
        return _by_sums(ranking)
    if level == "interval":
        return _by_moments(ranking)
    values = few(ranking)
    if values is not None:
        return _by_counts(ranking, values, level)
    if level == "ordinal":
        return _by_order(ranking)
    raise ValueError(f"level {level!r} compares each pair of values, and there are more than {FEW}: give ranks")


def from_counts(counts: np.ndarray, values: np.ndarray, level: str = "ordinal") -> np.ndarray:
    """Alpha of tables of counts (..., unit, value) -> (...); of ratios, which do not collapse, from all pairs."""
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


def from_w(w: np.ndarray, images: np.ndarray, methods: int) -> np.ndarray:
    """Alpha, ordinal and interval, of complete rankings without ties from their Kendall's W."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1 - (1 - w) * (images * methods - 1) / (methods * (images - 1))


def _complete(ranking: np.ndarray) -> bool:
    """Did every image rank every method, without ties?"""
    return ranking.shape[1] >= 2 and bool((np.sort(ranking, axis=1) == np.arange(1, ranking.shape[1] + 1)).all())


def _by_sums(ranking: np.ndarray) -> Statistic:
    """The methods' rank sums say all."""
    methods = ranking.shape[1]
    exact = np.float32 if ranking.size < 2**24 else float  # sums are whole and below ranking.size
    deviations = (2 * ranking - methods - 1).astype(exact)

    def statistic(weights: np.ndarray) -> np.ndarray:
        images = weights.sum(1, dtype=float)
        sums = (weights.astype(exact, copy=False) @ deviations).astype(float)
        return from_w(3 * (sums**2).sum(1) / (images**2 * (methods**3 - methods)), images, methods)

    return statistic


def _by_moments(ranking: np.ndarray) -> Statistic:
    valid = np.isfinite(ranking)
    first = ranking[valid][0] if valid.any() else 0.0  # around a value: equal ones are 0, and squares lose no digits
    deviations = np.where(valid, ranking - first, 0)
    rows = [valid.astype(float), deviations, deviations**2]

    def statistic(weights: np.ndarray) -> np.ndarray:
        return _from_moments(*(weights.astype(float) @ each for each in rows))

    return statistic


def _by_counts(ranking: np.ndarray, values: np.ndarray, level: str) -> Statistic:
    """How many images gave each method each value says all."""
    (images, methods), width = ranking.shape, len(values)
    columns = cells(ranking, values)
    ends = np.concatenate([[0], np.isfinite(ranking).sum(1).cumsum()])
    marks = sparse.csr_array((np.ones(len(columns), np.float32), columns, ends), (images, methods * width))

    def statistic(weights: np.ndarray) -> np.ndarray:
        return from_counts((weights @ marks).reshape(len(weights), methods, width), values, level)

    return statistic


def _by_order(ranking: np.ndarray) -> Statistic:
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


def few(ranking: np.ndarray) -> np.ndarray | None:
    """The different values of RANKING, or None where they are many."""
    valid = ranking[np.isfinite(ranking)]
    if len(np.unique(valid[: 16 * FEW])) > FEW:  # raw scores: no need to sort them all
        return None
    values = np.unique(valid)
    return values if len(values) <= FEW else None


def cells(ranking: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Place in a table (method, value) of every value there is, image after image."""
    places = np.searchsorted(values, ranking) + len(values) * np.arange(ranking.shape[1])
    return places[np.isfinite(ranking)]
