"""Input invariance: change of the map when all pixels are moved and the network takes it off (Kindermans et al., 2019).

||R' - R|| / ||R||, Euclidean, signed entries; `by: spearman` for 1 - rank correlation of the pixels. 0: nothing
changed, as nothing should. A method that draws samples draws others for other pixels. Any scale. A map that is 0
everywhere: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "shifted"
FAMILY = "axiomatic"
SIGN = "signed"


def score(map_distance: np.ndarray, map_norm: np.ndarray, spearman: np.ndarray, *, by: str = "distance") -> np.ndarray:
    if by not in ("distance", "spearman"):
        raise ValueError(f"by {by!r}; wanted: distance or spearman")
    return changes.divided(map_distance, map_norm) if by == "distance" else 1 - spearman
