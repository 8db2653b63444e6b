"""Numbers from curves: areas and correlations, image by image."""

import numpy as np


def area(curves: np.ndarray) -> np.ndarray:
    """Trapezoid area of each row over the unit interval: (image, step) -> (image)."""
    return np.trapezoid(curves.astype(float), dx=1 / (curves.shape[1] - 1), axis=1)


def pearson(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Correlation of the rows of FIRST with those of SECOND; NaN where a row is constant: (image, step) -> (image)."""
    a, b = (rows.astype(float) - rows.astype(float).mean(1, keepdims=True) for rows in (first, second))
    # A constant row leaves rounding behind, not zero: judge constancy by the row itself.
    constant = (np.ptp(first, axis=1) == 0) | (np.ptp(second, axis=1) == 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        result = (a * b).sum(1) / np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.where(constant, np.nan, result)
