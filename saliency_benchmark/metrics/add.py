"""ADD, average drop in deletion: (s - s(x (1 - m))) / s, m the map min-max normalised per image (Jung and Oh, 2021).

A clean probability of 0 cannot drop: NaN.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(clean: np.ndarray, removed: np.ndarray) -> np.ndarray:
    whole, part = clean.astype(float), removed.astype(float)
    return np.divide(whole - part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
