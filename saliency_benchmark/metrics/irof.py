"""IROF: area over the curve while superpixels go, the most salient first (Rieger & Hansen, 2020, eq. 1).

1 less the trapezoid area of s(x_k) / s(x_0) over k / K, x_k the image without its k most salient superpixels, K how
many it has: an image with more of them weighs no more. By default of the probability; the superpixels, their fill (the
mean colour) and the seed of ties are the probe's. Signed map, channels summed, the order of its means only. NaN where
the clean score is not positive.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "superpixels"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(superpixels_gone: np.ndarray) -> np.ndarray:
    curve = superpixels_gone.astype(float)
    trapezoids = (curve[:, 1:] + curve[:, :-1]) / 2
    there = np.isfinite(trapezoids)
    area, clean = np.where(there, trapezoids, 0).sum(1), curve[:, 0]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(clean > 0, 1 - area / (there.sum(1) * clean), np.nan)
