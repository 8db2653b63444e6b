"""Means, and ratios of means, of a few units with honest intervals: Student's t, and Fieller's (1954) for a ratio.

A percentile bootstrap of n units has a variance too small by (n - 1) / n and no tails: of two repeats, resampling
covers about half of what a 95 % interval should; tests/test_ratios.py shows both. Units are repeats, or seeds.
"""

import numpy as np
from scipy import special

Interval = tuple[float, float]
NONE = (float("nan"), float("nan"))


def mean_interval(values: np.ndarray, confidence: float) -> Interval:
    """Student's t interval of the mean of VALUES (unit); NaN with fewer than two."""
    if len(values) < 2:
        return NONE
    reach = _quantile(len(values), confidence) * values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean() - reach), float(values.mean() + reach)


def ratio(above: np.ndarray, below: np.ndarray) -> float:
    """Mean of ABOVE over mean of BELOW, both (unit); NaN where the mean of BELOW is not positive."""
    return float(above.mean() / below.mean()) if len(below) and below.mean() > 0 else float("nan")


def ratio_interval(above: np.ndarray, below: np.ndarray, confidence: float) -> Interval:
    """Fieller's interval of `ratio`, exact for normal units; NaN where BELOW cannot be told from 0, or with one unit.

    It holds the ratios q for which a t test does not reject mean(above - q below) = 0. So 0 is in it exactly where the
    t interval of the mean of ABOVE holds 0.
    """
    if len(above) < 2 or not np.isfinite(ratio(above, below)):
        return NONE
    reach = _quantile(len(above), confidence) ** 2 / len(above)
    one, both, two = np.cov(above, below)[[0, 0, 1], [0, 1, 1]] * reach
    first, second = above.mean(), below.mean()
    square, cross, rest = second**2 - two, first * second - both, first**2 - one
    if square <= 0:
        return NONE
    root = max(0.0, cross**2 - square * rest) ** 0.5
    return float((cross - root) / square), float((cross + root) / square)


def drawn(parts: list[np.ndarray], resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Means of units drawn anew with replacement: PARTS (repeat, ...) -> (resample, ...).

    Of several parts, one a seed, the parts are drawn first, then the repeats within each that was drawn.
    """
    chosen = rng.integers(0, len(parts), (resamples, len(parts))) if len(parts) > 1 else np.zeros((resamples, 1), int)
    found = np.zeros((resamples, *parts[0].shape[1:]))
    for column in chosen.T:
        for place, part in enumerate(parts):
            rows = np.flatnonzero(column == place)
            found[rows] += part[rng.integers(0, len(part), (len(rows), len(part)))].mean(1)
    return found / chosen.shape[1]


def _quantile(units: int, confidence: float) -> float:
    return float(special.stdtrit(units - 1, (1 + confidence) / 2))
