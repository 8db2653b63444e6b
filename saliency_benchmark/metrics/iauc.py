"""IAUC: area under the probability as the most salient cells appear (Petsiuk et al., 2018). Signed map, order only."""

import numpy as np

from saliency_benchmark import curves

HIGHER_IS_BETTER = True
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(insertion: np.ndarray) -> np.ndarray:
    return curves.area(insertion)
