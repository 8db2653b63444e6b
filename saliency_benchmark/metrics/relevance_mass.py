"""Relevance mass accuracy: share of the positive relevance that lies in the region (Arras et al., 2022, eq. 1).

R = sum over the channels of max(R_c, 0). No positive relevance at all, or an empty region: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "positive"


def score(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    return area.share(area.positive(maps), area.flat(regions))
