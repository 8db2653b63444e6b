"""Relevance rank accuracy: share of the |region| most relevant pixels that lie in it (Arras et al., 2022, eq. 2).

R = sum over the channels of max(R_c, 0); ties fall by chance, by SEED. No positive relevance, or an empty region: NaN.
"""

from collections.abc import Callable

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "positive"


def score(maps: np.ndarray, regions: np.ndarray, index: np.ndarray, *, seed: int = 0) -> np.ndarray:
    found, drawn = np.empty(len(maps)), area.chance(seed)
    for part in area.parts(maps):
        found[part] = _accuracy(area.positive(maps[part]), area.flat(regions[part]), index[part], drawn)
    return found


def _accuracy(relevance: np.ndarray, inside: np.ndarray, index: np.ndarray, drawn: Callable) -> np.ndarray:
    size = np.array([np.count_nonzero(region) for region in inside])
    valid = (relevance.max(1) > 0) & (size > 0)
    return np.where(valid, area.hits(relevance, inside, size, index, drawn) / np.maximum(size, 1), np.nan)
