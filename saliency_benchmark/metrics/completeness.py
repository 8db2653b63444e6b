"""Completeness: does the map sum to what the output loses with every pixel (Sundararajan et al., 2017)?

|sum of the map - (f(x) - f(0))| / |f(x) - f(0)|, f the logit, 0 the image of the data set's mean colour (0 in network
input, `gone` of the probe). Lower is better; scale and sign count. f(x) = f(0): NaN.
"""

import numpy as np

from saliency_benchmark import changes
from saliency_benchmark import regions as area

HIGHER_IS_BETTER = False
PROBE = "cells"
FAMILY = "axiomatic"
SIGN = "signed"
OUTPUT = "logit"


def score(clean: np.ndarray, gone: np.ndarray, maps: np.ndarray) -> np.ndarray:
    # Not the sum that the maps' file tells, which leaves out what is no number.
    total, lost = area.signed(maps).sum(1, dtype=float), clean.astype(float) - gone
    return changes.divided(np.abs(total - lost), np.abs(lost))
