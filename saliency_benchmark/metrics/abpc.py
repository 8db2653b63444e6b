"""ABPC: area between the curves of region perturbation, least less most relevant first (after Samek et al., 2017).

1 / (L + 1) times the sum over k = 0 ... L of s(x after k of the least relevant) - s(x after k of the most relevant):
AOPC less its value in the opposite order. Degradation (Schulz et al., 2020) is the same on curves that are scaled by
their ends. A patch becomes what the probe fills in, noise. Signed map, channels summed, its order only; ties fall by
the probe's seed.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "patches"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(most_first: np.ndarray, least_first: np.ndarray) -> np.ndarray:
    return (least_first.astype(float) - most_first).mean(1)
