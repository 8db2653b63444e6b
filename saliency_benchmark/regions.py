"""Maps against the region where the class is; every image by itself, NaN where the question has no answer."""

import numpy as np


def positive(maps: np.ndarray) -> np.ndarray:
    """Positive relevance, summed over the channels: (image, [channel], row, column) -> (image, pixel)."""
    kept = np.maximum(maps.astype(float), 0)
    return (kept.sum(1) if kept.ndim == 4 else kept).reshape(len(maps), -1)


def signed(maps: np.ndarray) -> np.ndarray:
    """Relevance with its sign, summed over the channels: (image, [channel], row, column) -> (image, pixel)."""
    return (maps.astype(float).sum(1) if maps.ndim == 4 else maps.astype(float)).reshape(len(maps), -1)


def flat(regions: np.ndarray) -> np.ndarray:
    return regions.reshape(len(regions), -1).astype(bool)
