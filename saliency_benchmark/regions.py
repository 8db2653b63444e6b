"""Maps against the region where the class is; every image by itself, NaN where the question has no answer."""

import numpy as np


def positive(maps: np.ndarray) -> np.ndarray:
    """Positive relevance, summed over the channels: (image, [channel], row, column) -> (image, pixel)."""
    kept = np.maximum(_finite(maps), 0)
    return (kept.sum(1) if kept.ndim == 4 else kept).reshape(len(maps), -1)


def signed(maps: np.ndarray) -> np.ndarray:
    """Relevance with its sign, summed over the channels: (image, [channel], row, column) -> (image, pixel)."""
    values = _finite(maps)
    return (values.sum(1) if values.ndim == 4 else values).reshape(len(maps), -1)


def flat(regions: np.ndarray) -> np.ndarray:
    return regions.reshape(len(regions), -1).astype(bool)


def _finite(maps: np.ndarray) -> np.ndarray:
    """MAPS as floats; a map that is not all finite numbers is NaN everywhere, so that no part of it is believed."""
    values = maps.astype(float)
    values[~np.isfinite(values).reshape(len(maps), -1).all(1)] = np.nan
    return values
