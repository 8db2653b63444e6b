"""AD, average drop: max(0, s - s(x m)) / s, m the map min-max scaled per image (Chattopadhay et al., 2018).

A clean probability of 0 cannot drop: NaN.
"""

import numpy as np

HIGHER_IS_BETTER = False
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(clean: np.ndarray, kept: np.ndarray) -> np.ndarray:
    whole, part = clean.astype(float), kept.astype(float)
    return np.divide(np.maximum(0, whole - part), whole, out=np.full(len(whole), np.nan), where=whole > 0)
