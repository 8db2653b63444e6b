"""IIC, increase in confidence: 1 where s(x m) > s(x), else 0 (Chattopadhay et al., 2018).

m is the signed map in cells, min-max scaled per image, over the mean colour. A constant map makes no mask: NaN.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(clean: np.ndarray, kept: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(kept), np.nan, kept > clean)
