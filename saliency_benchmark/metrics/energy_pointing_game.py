"""Energy-based pointing game: share of the map's energy that lies in the region (Wang et al., 2020, Score-CAM, 4.3).

sum of L inside / sum of L, with L = max(sum over the channels, 0), the map as it is seen in one colour. It differs from
`relevance_mass`, which takes max(., 0) before the sum, where channels of a pixel disagree in sign; on a map of one
channel they are one. Any scale; the map is not shifted to min 0, as that would make background energy. No energy at
all, or an empty region: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "positive"


def score(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    return area.share(area.energy(maps), area.flat(regions))
