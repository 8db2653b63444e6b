"""Monotonicity: do magnitudes rank cells as the score's expected change does (Nguyen and Martinez, 2020)?

Spearman over the cells t: (|a_t|, E (s(x') - s(x))^2), x' as x but for random values in t; |a_t| the mean magnitude of
the map's pixels in the cell, channels summed before; any scale. The paper divides by s(x)^2, which ranks the same. A
constant map, or a score that no cell moves: NaN.
"""

import numpy as np

from saliency_benchmark import curves, pooling

HIGHER_IS_BETTER = True
PROBE = "replacements"
FAMILY = "faithfulness"
SIGN = "absolute"
OUTPUT = "probability"


def score(squared_change: np.ndarray, maps: np.ndarray) -> np.ndarray:
    magnitude = pooling.means(np.abs(pooling.pixels(maps)), squared_change.shape[1:])
    ranked = curves.spearman(magnitude, squared_change.reshape(len(magnitude), -1))
    return np.where(pooling.alike(magnitude), np.nan, ranked)
