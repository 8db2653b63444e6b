"""Model parameter randomisation test: how alike the map stays while the network is drawn anew (Adebayo et al., 2018).

Mean over the stages, from the last module down to all, of Spearman's rank correlation of the maps' magnitudes (sum over
the channels); `similarity: ssim` for structural similarity of maps scaled to [0, 1]; `stage: last` for the network that
is drawn anew as a whole. Lower: the map tells of what was learned. Any scale. A constant map: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "randomisation"
FAMILY = "randomisation"
SIGN = "absolute"


def score(spearman: np.ndarray, ssim: np.ndarray, *, similarity: str = "spearman", stage: str = "mean") -> np.ndarray:
    return changes.similarity({"spearman": spearman, "ssim": ssim}, similarity, stage)
