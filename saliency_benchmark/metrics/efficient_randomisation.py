"""Efficient MPRT: relative rise of the map's complexity once the network is drawn anew (Hedström et al., 2023).

(H(R') - H(R)) / H(R), H the entropy of the histogram of the signed map (sum over the channels), R' the map of the
network whose parameters are all drawn anew. Higher: what was learned made the map simpler. Any scale. A constant map:
NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = True
PROBE = "randomisation"
FAMILY = "randomisation"
SIGN = "signed"


def score(complexity: np.ndarray, complexity_full: np.ndarray) -> np.ndarray:
    return changes.divided(complexity_full - complexity, complexity)
