"""DC: Pearson correlation of each cell's saliency with the drop when it goes (arXiv 2311.17876; Gomez et al., 2022).

Over the steps of the deletion curve: (p[t-1] - p[t], saliency of the cell that goes at t). Signed map, any scale.
"""

import numpy as np

from saliency_benchmark import curves

HIGHER_IS_BETTER = True
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(deletion: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    return curves.pearson(-np.diff(deletion.astype(float), axis=1), saliency)
