"""DC-nc: Pearson correlation of each cell's saliency with the drop when it alone goes (arXiv 2311.17876).

Over the cells t: (s(x) - s(x without t), S_t), S_t the mean of the signed map in the cell, channels summed; any scale.
A removed cell shows the probe's fill. A constant map, or a score that no cell moves: NaN.
"""

import numpy as np

from saliency_benchmark import curves, pooling

HIGHER_IS_BETTER = True
PROBE = "cells"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(clean: np.ndarray, without: np.ndarray, maps: np.ndarray) -> np.ndarray:
    drops = clean[:, None].astype(float) - without.reshape(len(without), -1)
    return curves.pearson(drops, pooling.means(pooling.pixels(maps), without.shape[1:]))
