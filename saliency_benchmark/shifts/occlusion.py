"""A rectangle of the image's mean colour, at a place drawn for each image."""

from collections.abc import Sequence

import numpy as np


def shift(images: np.ndarray, *, rngs: Sequence[np.random.Generator], side: float = 0.5) -> np.ndarray:
    """SIDE: height and width as a share of the image's; the rectangle lies inside, everywhere alike."""
    lengths = [max(1, round(side * length)) for length in images.shape[2:]]
    mean = images.mean((2, 3)).round().astype(np.uint8)
    shifted = images.copy()
    for image, colour, rng in zip(shifted, mean, rngs, strict=True):
        starts = [rng.integers(0, full - part + 1) for full, part in zip(images.shape[2:], lengths, strict=True)]
        rows, columns = (slice(start, start + part) for start, part in zip(starts, lengths, strict=True))
        image[:, rows, columns] = colour[:, None, None]
    return shifted
