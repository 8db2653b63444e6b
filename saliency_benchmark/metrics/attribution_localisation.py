"""Attribution localisation: R_in+ / R_tot+, the share of positive relevance in the region (Kohlbrenner et al., 2020).

R+ = max(sum over the channels, 0), so that mu is what `energy_pointing_game` gives. WEIGHTED: mu_w = mu S_tot / S_in, S
the numbers of pixels: 1 for relevance spread evenly, whatever the region's size. Regions that are larger than MAX_SIZE,
a share of the image, are not scored, as localising them is no feat (Kohlbrenner et al.: a quarter, a half). Any scale.
No positive relevance, an empty or a too large region: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "positive"


def score(maps: np.ndarray, regions: np.ndarray, *, weighted: bool = False, max_size: float = 1.0) -> np.ndarray:
    if not 0 < max_size <= 1:
        raise ValueError(f"max_size is {max_size}; wanted: above 0 and up to 1, a share of the image's pixels")
    region = area.flat(regions)
    size = region.mean(1)
    found = np.where(size <= max_size, area.share(area.energy(maps), region), np.nan)
    return np.divide(found, size, out=found, where=size > 0) if weighted else found
