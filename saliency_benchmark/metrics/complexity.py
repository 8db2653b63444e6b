"""Complexity: entropy of each pixel's share in the map's magnitude (Bhatt et al., 2020, eq. 4), in nats.

- sum p log p, p = a / sum a, a = |sum over the channels|: 0 where one pixel has all, log n where all are equal. Any
scale. A map that is 0 everywhere has no shares: NaN.
"""

import numpy as np
from scipy import special

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = False
FAMILY = "complexity"
SIGN = "absolute"


def score(maps: np.ndarray) -> np.ndarray:
    magnitude = area.absolute(maps)
    total = magnitude.sum(1, keepdims=True, dtype=float)
    total[total == 0] = np.nan
    return special.entr(magnitude / total).sum(1)
