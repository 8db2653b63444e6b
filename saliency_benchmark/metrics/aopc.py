"""AOPC: area over the curve of region perturbation, the most relevant first (Samek et al., 2017).

1 / (L + 1) times the sum over k = 0 ... L of s(x) - s(x after k steps): a plain mean, the first of which is 0. A patch
becomes what the probe fills in, noise. Signed map, channels summed, its order only; ties fall by the probe's seed.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "patches"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(most_first: np.ndarray) -> np.ndarray:
    curve = most_first.astype(float)
    return curve[:, 0] - curve.mean(1)
