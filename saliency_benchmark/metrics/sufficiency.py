"""Sufficiency: share of the images with a map like this one's that are of the same predicted class.

P(f(x') = f(x) | the map of x' is like that of x) (Dasgupta et al., 2022). Signed maps, channels summed, the mean in
cells of CELL x CELL pixels, each scaled to length 1. Like: the NEAREST share of the other images, one at least, and all
that are as near; or, if a THRESHOLD is given, those within that distance, 0 (the same) to 2 (the opposite). A map of
zeros has no direction: NaN, as where nobody is like it. Maps that are all equal score the class's frequency. It asks
whether maps tell classes apart, and not whether they lie on the object.
"""

import numpy as np

from saliency_benchmark import pooling

HIGHER_IS_BETTER = True
FAMILY = "faithfulness"
SIGN = "signed"
WHOLE = True
# Images compared with all at a time, so that memory grows with the images and not with their square.
BLOCK = 256
ROUNDING = 1e-9


def score(
    maps: np.ndarray,
    prediction: np.ndarray,
    *,
    nearest: float = 0.1,
    threshold: float | None = None,
    cell: int = 4,
) -> np.ndarray:
    size = tuple(max(1, round(length / cell)) for length in maps.shape[-2:])
    cells = pooling.means(pooling.pixels(maps), size)
    length = np.linalg.norm(cells, axis=1)
    valid = np.flatnonzero(length > 0)
    unit, classes = cells[valid] / length[valid, None], prediction[valid].argmax(1)
    found = np.full(len(maps), np.nan)
    for start in range(0, len(valid), BLOCK):
        block = slice(start, start + BLOCK)
        closeness = unit[block] @ unit.T
        closeness[np.arange(len(closeness)), np.arange(start, start + len(closeness))] = -np.inf  # not itself
        like = closeness >= (_edge(closeness, nearest) if threshold is None else 1 - threshold**2 / 2) - ROUNDING
        like &= np.isfinite(closeness)
        agreed = (like & (classes[block, None] == classes)).sum(1)
        found[valid[block]] = np.divide(agreed, like.sum(1), out=np.full(len(like), np.nan), where=like.any(1))
    return found


def _edge(closeness: np.ndarray, share: float) -> np.ndarray:
    """Closeness of the last one of the nearest SHARE of the others, (image, 1)."""
    images = closeness.shape[1]
    count = min(images, max(1, round(share * (images - 1))))
    return np.partition(closeness, images - count, axis=1)[:, images - count, None]
