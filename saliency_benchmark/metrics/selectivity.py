"""Selectivity: area under the class's own output as the most relevant patches go (Montavon et al., 2018).

Trapezoids over the unit interval, from no patch to all; a removed patch shows the probe's fill. It is DAUC of the logit
on patches of the probe's own. Signed map, channels summed, its order only; ties fall by the probe's seed.
"""

import numpy as np

from saliency_benchmark import curves

HIGHER_IS_BETTER = False
PROBE = "removal"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "logit"


def score(most_first: np.ndarray) -> np.ndarray:
    return curves.area(most_first)
