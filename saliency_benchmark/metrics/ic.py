"""IC: Pearson correlation of each cell's saliency with the rise when it appears (arXiv 2311.17876; Gomez et al., 2022).

Over the steps of the insertion curve: (p[t] - p[t-1], saliency of the cell that comes at t). Signed map, any scale.
"""

import numpy as np

from saliency_benchmark import curves

HIGHER_IS_BETTER = True
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(insertion: np.ndarray, saliency: np.ndarray) -> np.ndarray:
    return curves.pearson(np.diff(insertion.astype(float), axis=1), saliency)
