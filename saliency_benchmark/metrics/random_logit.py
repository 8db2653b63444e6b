"""Random logit: how alike the maps of the class and of another one, drawn by chance, are (Sixt et al., 2020).

Spearman's rank correlation of the maps' magnitudes (sum over the channels), or `similarity: ssim`, structural
similarity of maps scaled to [0, 1], as in the paper. Lower: the map tells of its class. Any scale. One class, or a
constant map: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "other_class"
FAMILY = "randomisation"
SIGN = "absolute"


def score(spearman: np.ndarray, ssim: np.ndarray, *, similarity: str = "spearman") -> np.ndarray:
    return changes.similarity({"spearman": spearman[:, None], "ssim": ssim[:, None]}, similarity, "last")
