"""IC-nc: Pearson correlation of each cell's saliency with the rise when it alone appears (arXiv 2311.17876).

Over the cells t: (s(start with t) - s(start), S_t), S_t the mean of the signed map in the cell, channels summed; any
scale. The start is the probe's, blurred. A constant map, or a score that no cell moves: NaN.
"""

import numpy as np

from saliency_benchmark import curves, pooling

HIGHER_IS_BETTER = True
PROBE = "cells"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(start: np.ndarray, only: np.ndarray, maps: np.ndarray) -> np.ndarray:
    rises = only.reshape(len(only), -1) - start[:, None].astype(float)
    return curves.pearson(rises, pooling.means(pooling.pixels(maps), only.shape[1:]))
