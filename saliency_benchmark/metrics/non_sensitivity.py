"""Non-sensitivity: cells that count in the map and not for the model, or the reverse (Nguyen and Martinez, 2020).

Share of the cells t in exactly one of two sets: those whose relevance is 0 and those whose removal leaves the score as
it is (the paper counts them, pixel by pixel). Relevance is the mean magnitude of the pixels, channels summed; 0 is what
does not exceed `tolerance` times the largest cell, of the map and of |s(x) - s(x without t)|, or is rounding. Lower is
better. Any scale. A map that is 0 everywhere says that nothing counts.
"""

import numpy as np

from saliency_benchmark import pooling

# Share of the score that rounding can change.
ROUNDING = 1e-6
HIGHER_IS_BETTER = False
PROBE = "cells"
FAMILY = "axiomatic"
SIGN = "absolute"
OUTPUT = "logit"


def score(clean: np.ndarray, without: np.ndarray, maps: np.ndarray, *, tolerance: float = 0.01) -> np.ndarray:
    relevance = pooling.means(np.abs(pooling.pixels(maps)), without.shape[1:])
    effect = np.abs(clean[:, None].astype(float) - without.reshape(len(without), -1))
    told = relevance > tolerance * relevance.max(1, keepdims=True)
    least = np.maximum(tolerance * effect.max(1), ROUNDING * np.abs(clean))
    differing = (told != (effect > least[:, None])).mean(1)
    return np.where(np.isfinite(relevance).all(1), differing, np.nan)
