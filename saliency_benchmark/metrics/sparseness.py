"""Sparseness: the Gini index of the map's magnitudes (Chalasani et al., 2020, section 3; Hurley and Rickard, 2009).

sum over i of (2 i - n - 1) a_i / (n sum a), a = |sum over the channels| in rising order, i = 1 ... n: 0 where all are
equal, 1 - 1/n where one pixel has all. Any scale. A map that is 0 everywhere has no shares: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
FAMILY = "complexity"
SIGN = "absolute"


def score(maps: np.ndarray) -> np.ndarray:
    rising = np.sort(area.absolute(maps), axis=1)
    pixels = rising.shape[1]
    total, weights = rising.sum(1, dtype=float), 2 * np.arange(1, pixels + 1) - pixels - 1.0
    weighted = np.einsum("ip,p->i", rising, weights)
    return np.divide(weighted, pixels * total, out=np.full(len(maps), np.nan), where=total > 0)
