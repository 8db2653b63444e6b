"""Does the most salient pixel lie in the region (Zhang et al., 2018)? Signed map, channels summed.

Several pixels share the maximum: the share of them that lies in the region. A constant map points nowhere: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True


def score(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    saliency = area.signed(maps)
    peak = saliency == saliency.max(1, keepdims=True)
    return np.where(peak.all(1), np.nan, (peak & area.flat(regions)).sum(1) / np.maximum(peak.sum(1), 1))
