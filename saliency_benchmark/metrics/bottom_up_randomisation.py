"""Model parameter randomisation from the first module up: how alike the map stays (Hedström et al., 2023).

As `parameter_randomisation` (Adebayo et al., 2018), the first module first: from the top down, what the lower modules
keep of the image stays in the map until the end. Lower is better. Any scale. A constant map: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "bottom_up_randomisation"
FAMILY = "randomisation"
SIGN = "absolute"


def score(spearman: np.ndarray, ssim: np.ndarray, *, similarity: str = "spearman", stage: str = "mean") -> np.ndarray:
    return changes.similarity({"spearman": spearman, "ssim": ssim}, similarity, stage)
