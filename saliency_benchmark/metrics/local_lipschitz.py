"""Local Lipschitz estimate: change of the map per change of the image (Alvarez-Melis and Jaakkola, 2018).

max over the draws of ||R(x') - R(x)|| / ||x' - x||, Euclidean, signed entries, x the pixels in [0, 1]. Maps are divided
by ||R(x)||, so that scale does not count; `relative: false` takes them as they are. A draw that does not differ from
the image, or a map that is 0 everywhere: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "neighbours"
FAMILY = "stability"
SIGN = "signed"


def score(
    map_distance: np.ndarray, input_distance: np.ndarray, map_norm: np.ndarray, *, relative: bool = True
) -> np.ndarray:
    return changes.divided(changes.of_map(map_distance, map_norm, relative), input_distance).max(1)
