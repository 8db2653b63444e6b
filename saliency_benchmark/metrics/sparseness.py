"""Sparseness: the Gini index of the map's magnitudes (Chalasani et al., 2020, section 3; Hurley and Rickard, 2009).

sum over i of (2 i - n - 1) a_i / (n sum a), a = |sum over the channels| in rising order, i = 1 ... n: 0 where all are
equal, 1 - 1/n where one pixel has all. Any scale. A map that is 0 everywhere has no shares: NaN.
"""

from functools import lru_cache

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
FAMILY = "complexity"
SIGN = "absolute"


def score(maps: np.ndarray) -> np.ndarray:
    found = np.empty(len(maps))
    for images, signed in area.thinned(area.signed(maps)):
        found[images] = _gini(np.abs(signed))  # repeating every pixel changes no share
    return found


def _gini(magnitude: np.ndarray) -> np.ndarray:
    magnitude.sort(1)
    pixels, total = magnitude.shape[1], magnitude.sum(1, dtype=float)
    weighted = np.einsum("ip,p->i", magnitude, _weights(pixels))
    return np.divide(weighted, pixels * total, out=np.full(len(total), np.nan), where=total > 0)


@lru_cache(maxsize=4)
def _weights(pixels: int) -> np.ndarray:
    return 2 * np.arange(1, pixels + 1) - pixels - 1.0
