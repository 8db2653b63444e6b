"""Complexity: entropy of each pixel's share in the map's magnitude (Bhatt et al., 2020, eq. 4), in nats.

- sum p log p, p = a / sum a, a = |sum over the channels|: 0 where one pixel has all, log n where all are equal. Any
scale. A map that is 0 everywhere has no shares: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = False
FAMILY = "complexity"
SIGN = "absolute"


def score(maps: np.ndarray) -> np.ndarray:
    values, found = area.signed(maps), np.empty(len(maps))
    for images, few in area.thinned(values):
        # Repeating every pixel adds the logarithm of the repeats.
        found[images] = _entropy(np.abs(few)) + np.log(values.shape[1] / few.shape[1])
    return found


def _entropy(magnitude: np.ndarray) -> np.ndarray:
    """log S - sum b log b / S, b = a / max a, S = sum b: no term is negative, so it is as exact as they are.

    They are as exact as the map is stored: 1e-7 of their size in single precision.
    """
    most = magnitude.max(1, keepdims=True)
    most[most == 0] = np.nan
    share = magnitude / most
    terms = np.log(np.maximum(share, np.finfo(share.dtype).tiny))  # 0 log 0 = 0
    terms *= share
    total = share.sum(1, dtype=float)
    return np.log(total) - terms.sum(1, dtype=float) / total
