"""Gaussian noise on every channel value, cut off at black and white."""

from collections.abc import Sequence

import numpy as np


def shift(images: np.ndarray, *, rngs: Sequence[np.random.Generator], deviation: float = 0.2) -> np.ndarray:
    """DEVIATION of the noise as a share of the way from black to white."""
    drawn = np.stack([rng.standard_normal(images.shape[1:]) for rng in rngs])
    return (images + 255 * deviation * drawn).round().clip(0, 255).astype(np.uint8)
