"""Pixel flipping: area under the score while pixels go, the most salient first (Bach et al., 2015).

Trapezoids over the unit interval, from none to all pixels, so that numbers of steps and pixels do not count; a removed
pixel shows the probe's fill. Signed map, channels summed, its order only; ties fall by the probe's seed.
"""

import numpy as np

from saliency_benchmark import curves

HIGHER_IS_BETTER = False
PROBE = "pixels"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(most_first: np.ndarray) -> np.ndarray:
    return curves.area(most_first)
