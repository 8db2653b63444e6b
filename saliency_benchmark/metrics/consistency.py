"""Consistency: share of the images that get the same explanation that are of the same predicted class.

P(f(x') = f(x) | e(x') = e(x)) (Dasgupta et al., 2022). An explanation is discrete: the places of the TOP most salient
cells on a grid of CELLS x CELLS, whatever the image's size. Signed map, channels summed; ties fall by SEED and the
image's index. A map that is the same in all cells explains nothing, and an explanation that no other image has cannot
be checked: NaN. It asks whether maps tell classes apart, and not whether they lie on the object.
"""

import numpy as np

from saliency_benchmark import masking, pooling

HIGHER_IS_BETTER = True
FAMILY = "faithfulness"
SIGN = "signed"
WHOLE = True


def score(
    maps: np.ndarray, prediction: np.ndarray, index: np.ndarray, *, cells: int = 4, top: int = 1, seed: int = 0
) -> np.ndarray:
    size = tuple(min(cells, length) for length in maps.shape[-2:])
    values = pooling.means(pooling.pixels(maps), size)
    valid = np.flatnonzero(np.isfinite(values[:, 0]) & ~pooling.alike(values))
    found = np.full(len(maps), np.nan)
    if not len(valid):
        return found
    chosen = masking.ranks(values[valid], index[valid], seed) < top
    same = _sizes(chosen)
    agreed = _sizes(np.column_stack([chosen, prediction[valid].argmax(1)]))
    found[valid] = np.divide(agreed - 1, same - 1, out=np.full(len(valid), np.nan), where=same > 1)
    return found


def _sizes(rows: np.ndarray) -> np.ndarray:
    """How many of ROWS are like each."""
    _, group, counts = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    return counts[group.ravel()]
