"""Relevance mass accuracy: share of the positive relevance that lies in the region (Arras et al., 2022, eq. 1).

R = sum over the channels of max(R_c, 0). No positive relevance at all: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True


def score(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    relevance = area.positive(maps)
    total = relevance.sum(1)
    inside = np.where(area.flat(regions), relevance, 0).sum(1)
    return np.divide(inside, total, out=np.full(len(maps), np.nan), where=total > 0)
