"""Focus: share of the positive relevance on the class's own images in mosaics with others (Arias-Duart et al., 2022).

Mean over the mosaics; each shows the image twice and two images that the network takes for other classes. Positive part
of each channel. 1/2: no better than chance. Any scale. A mosaic without positive relevance: NaN.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "mosaics"
FAMILY = "localisation"
SIGN = "positive"


def score(share: np.ndarray) -> np.ndarray:
    return share.mean(1, dtype=float)
