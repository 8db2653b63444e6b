"""Does the most salient pixel lie in the region (Zhang et al., 2018)? Signed map, channels summed; its order only.

TOLERANCE: so many pixels beside the region are a hit too, Euclidean (Zhang et al.: 15, on images of some 400 pixels).
Several pixels share the maximum: the share of them that hits. A constant map points nowhere, and an empty region cannot
be met: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "signed"


def score(maps: np.ndarray, regions: np.ndarray, *, tolerance: int = 0) -> np.ndarray:
    saliency = area.signed(maps)
    peak, inside = saliency == saliency.max(1, keepdims=True), area.flat(area.near(regions, tolerance))
    valid = peak.any(1) & ~peak.all(1) & inside.any(1)
    return np.where(valid, (peak & inside).sum(1) / np.maximum(peak.sum(1), 1), np.nan)
