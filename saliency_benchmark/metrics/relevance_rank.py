"""Relevance rank accuracy: share of the |region| most relevant pixels that lie in it (Arras et al., 2022, eq. 2).

R = sum over the channels of max(R_c, 0); ties fall by chance, by SEED. No positive relevance, or an empty region: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "positive"


def score(maps: np.ndarray, regions: np.ndarray, index: np.ndarray, *, seed: int = 0) -> np.ndarray:
    relevance, inside = area.positive(maps), area.flat(regions)
    size = inside.sum(1)
    valid = (relevance.sum(1) > 0) & (size > 0)
    top = area.top(relevance, size, index, seed)
    return np.where(valid, (top & inside).sum(1) / np.maximum(size, 1), np.nan)
