"""SIC: the score of the class explained over the information that is revealed (XRAI: Kapishnikov et al., 2019).

A performance information curve (PIC): area under s over the information h, both 0 at the blurred image and 1 at the
whole one, cut to [0, 1], s made to rise only; the other one is `aic`. Trapezoids between the points that were asked, in
the order of h: the authors' library resamples the same lines. By default of the probability. Signed map, channels
summed, its order only; what blurs, and the seed, are the probe's. NaN, as there, where the blurred image has no less
information or no lower a score than the whole, or the clean score is below MINIMUM (there 0.8).
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "information"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(revealed: np.ndarray, size: np.ndarray, *, minimum: float = 0.0) -> np.ndarray:
    return np.where(revealed[:, -1] >= minimum, area(revealed, size), np.nan)


def area(values: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Area under VALUES over SIZE, (image, step) -> (image), both from the first step's to the last one's."""
    height, place = _share(values), _share(size)
    height = np.maximum.accumulate(height, axis=1)
    order = np.lexsort((height, place), axis=1)
    place, height = (np.take_along_axis(each, order, 1) for each in (place, height))
    return np.trapezoid(height, place, axis=1)


def _share(values: np.ndarray) -> np.ndarray:
    first, last = values[:, :1].astype(float), values[:, -1:].astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(last > first, np.clip((values - first) / (last - first), 0, 1), np.nan)
