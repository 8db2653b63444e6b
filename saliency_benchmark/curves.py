"""Numbers from curves: areas and correlations, image by image."""

import numpy as np
from scipy import stats

# Share of a row's largest number below which a difference is rounding.
ROUNDING = 1e-12


def area(curves: np.ndarray) -> np.ndarray:
    """Trapezoid area of each row over the unit interval: (image, step) -> (image)."""
    return np.trapezoid(curves.astype(float), dx=1 / (curves.shape[1] - 1), axis=1)


def pearson(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation along the last axis of FIRST and SECOND, (..., step) -> (...); NaN where one of them is constant."""
    one, other = first.astype(float), second.astype(float)
    a, b = (rows - rows.mean(-1, keepdims=True) for rows in (one, other))
    with np.errstate(invalid="ignore", divide="ignore"):
        result = (a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))
    return np.where(_constant(one) | _constant(other), np.nan, result)


def spearman(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of the ranks along the last axis, mid-ranks where values are equal; NaN as `pearson`."""
    return pearson(*(stats.rankdata(rows, axis=-1, nan_policy="propagate") for rows in (first, second)))


def defined(values: np.ndarray) -> np.ndarray:
    """Mean of the numbers in each row, NaN where there is none: (image, part) -> (image)."""
    numbers = np.isfinite(values)
    total, count = np.where(numbers, values, 0).sum(1), numbers.sum(1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)


def _constant(rows: np.ndarray) -> np.ndarray:
    # A constant row leaves rounding behind, not zero: judge constancy by the row itself.
    return np.ptp(rows, axis=-1) <= ROUNDING * np.abs(rows).max(-1)
