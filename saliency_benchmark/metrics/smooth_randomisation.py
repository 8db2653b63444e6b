"""Smooth MPRT: parameter randomisation of maps that are means over noisy copies of the image (Hedström et al., 2023).

As `parameter_randomisation`, with the noise of single gradients averaged out before maps are compared. Lower is better.
Any scale. A constant map: NaN.
"""

import numpy as np

from saliency_benchmark import changes

HIGHER_IS_BETTER = False
PROBE = "smooth_randomisation"
FAMILY = "randomisation"
SIGN = "absolute"


def score(spearman: np.ndarray, ssim: np.ndarray, *, similarity: str = "spearman", stage: str = "mean") -> np.ndarray:
    return changes.similarity({"spearman": spearman, "ssim": ssim}, similarity, stage)
