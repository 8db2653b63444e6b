"""Gaussian blur, each channel by itself; beyond the border the image goes on with its outermost pixels."""

import numpy as np
from scipy import ndimage


def shift(images: np.ndarray, *, deviation: float = 2.0) -> np.ndarray:
    """DEVIATION of the Gaussian in pixels; its window ends at four deviations."""
    blurred = ndimage.gaussian_filter(images.astype(np.float64), (0, 0, deviation, deviation), mode="nearest")
    return blurred.round().clip(0, 255).astype(np.uint8)
