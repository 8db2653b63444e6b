"""MuFidelity: faithfulness correlation by ranks (Bhatt et al., 2020, def. 3, with Spearman as Xplique has it).

Spearman over random subsets S of SHARE of the cells: (sum of the signed map over the pixels of S, s(x) - s(x without
S)). Any scale. Removed cells show the probe's fill, subsets fall by its seed. A constant map, or a score that never
moves: NaN. Raises ValueError where the probe did not draw subsets of SHARE.
"""

import numpy as np

from saliency_benchmark import curves, pooling

HIGHER_IS_BETTER = True
PROBE = "subsets"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "logit"


def score(
    clean: np.ndarray, without_subset: np.ndarray, subset: np.ndarray, maps: np.ndarray, *, share: float = 0.2
) -> np.ndarray:
    return curves.spearman(*pooling.told_and_drops(clean, without_subset, subset, maps, share))
