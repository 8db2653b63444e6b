"""Faithfulness estimate: correlation of relevance with the drop, part by part (Alvarez-Melis and Jaakkola, 2018).

Pearson over the cells t: (s(x) - s(x without t), R_t), R_t the sum of the signed map in the cell, channels summed; any
scale. Where all cells have as many pixels it is DC-nc, which takes their mean: two names that users look for. A removed
cell shows the probe's fill. A constant map, or a score that no cell moves: NaN.
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
    values, size = pooling.pixels(maps), without.shape[1:]
    found = curves.pearson(drops, pooling.sums(values, size))
    return np.where(pooling.alike(pooling.means(values, size)), np.nan, found)
