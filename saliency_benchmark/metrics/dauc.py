"""DAUC: area under the probability while the most salient cells go (Petsiuk et al., 2018). Signed map, order only."""

import numpy as np

from saliency_benchmark import curves

HIGHER_IS_BETTER = False
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(deletion: np.ndarray) -> np.ndarray:
    return curves.area(deletion)
