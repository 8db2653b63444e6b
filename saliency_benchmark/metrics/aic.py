"""AIC: is the class explained predicted, over the information that is revealed (XRAI: Kapishnikov et al., 2019)?

A performance information curve (PIC) as `sic`, of 1 where the class is the prediction and 0 elsewhere. NaN where the
blurred image has the class already, the whole image has not, or either has as much information. Signed map, channels
summed, its order only; what blurs, and the seed, are the probe's.
"""

import numpy as np

from saliency_benchmark.metrics import sic

HIGHER_IS_BETTER = True
PROBE = "information"
FAMILY = "faithfulness"
SIGN = "signed"


def score(hit: np.ndarray, size: np.ndarray) -> np.ndarray:
    return sic.area(hit, size)
