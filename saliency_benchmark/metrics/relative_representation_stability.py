"""Relative representation stability: relative change of the map per change of the features (Agarwal et al., 2022).

max over the draws of ||(R(x) - R(x')) / R(x)|| / max(||(L(x) - L(x')) / L(x)||, least), entry by entry, Euclidean,
L the last feature map; only draws whose prediction is that of the image. Signed map of any scale; an entry below a
share of the largest magnitude is divided by that share (`epsilon` of the probe). `logarithm`: as the paper draws it. No
draw with the same prediction, or a map that is 0 everywhere: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "neighbours"
FAMILY = "stability"
SIGN = "signed"


def score(
    relative_map_distance: np.ndarray,
    relative_representation_distance: np.ndarray,
    same_prediction: np.ndarray,
    *,
    least: float = 1e-6,
    logarithm: bool = False,
) -> np.ndarray:
    change, cause = relative_map_distance, relative_representation_distance
    return changes.relative(change, cause, same_prediction, least, logarithm)
