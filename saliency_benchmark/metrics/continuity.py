"""Explanation continuity: change of the map per change of an image that moves (Montavon et al., 2018, section 7.1).

max of ||R(x) - R(x')||_1 / ||x - x'||_2 over the steps of a translation, x and x' one step apart, in pixels in [0, 1].
Signed entries; maps are divided by ||R||_1 of the image at rest, so that scale does not count (`relative: false` leaves
it: the paper speaks of relevance that sums to the output). Steps that do not change the image stay out. An image that
never changes, or a map that is 0 everywhere: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "translations"
FAMILY = "stability"
SIGN = "signed"


def score(
    map_distance: np.ndarray, input_distance: np.ndarray, map_norm: np.ndarray, *, relative: bool = True
) -> np.ndarray:
    ratio = changes.divided(changes.of_map(map_distance, map_norm, relative), input_distance)
    return changes.largest(ratio, input_distance != 0)
