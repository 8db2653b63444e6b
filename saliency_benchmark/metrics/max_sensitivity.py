"""Max sensitivity: the largest change of the map over images within a radius (SENS_MAX of Yeh et al., 2019).

max over the draws of ||R(x') - R(x)||, Euclidean over all entries, with their sign; divided by ||R(x)||, as captum
does, so that scale does not count (`relative: false` does not divide). 0: the map never moves. A map that is 0
everywhere has no relative change: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "neighbours"
FAMILY = "stability"
SIGN = "signed"


def score(map_distance: np.ndarray, map_norm: np.ndarray, *, relative: bool = True) -> np.ndarray:
    return changes.of_map(map_distance, map_norm, relative).max(1)
