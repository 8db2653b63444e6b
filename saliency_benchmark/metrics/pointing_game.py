"""Does the most salient pixel lie in the region (Zhang et al., 2018)? Signed map, channels summed.

Several pixels share the maximum: the share of them that lies in the region. A constant map points nowhere, and an empty
region cannot be met: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True


def score(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    saliency = area.signed(maps)
    peak, inside = saliency == saliency.max(1, keepdims=True), area.flat(regions)
    valid = peak.any(1) & ~peak.all(1) & inside.any(1)
    return np.where(valid, (peak & inside).sum(1) / np.maximum(peak.sum(1), 1), np.nan)
