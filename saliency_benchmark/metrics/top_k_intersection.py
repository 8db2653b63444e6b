"""Top-k intersection: share of the k most salient pixels that lie in the region (Theiner et al., 2021).

k is COUNT, or round(SHARE of the pixels) where none is given: Theiner et al. take 1000 of 224 x 224 (a share of 0.02).
It is divided by k, so a region of fewer than k pixels cannot reach 1. RELATIVE divides by the region's share of the
image too (their concept influence): 1 is what chance gives. Signed map, channels summed; its order only; exactly k
pixels, ties fall by chance, by SEED. A constant map has no most salient pixels, and an empty region none: NaN.
"""

import numpy as np

from saliency_benchmark import masking
from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "signed"


def score(
    maps: np.ndarray,
    regions: np.ndarray,
    index: np.ndarray,
    *,
    share: float = 0.02,
    count: int | None = None,
    relative: bool = False,
    seed: int = 0,
) -> np.ndarray:
    saliency, inside = area.signed(maps), area.flat(regions)
    k = masking.count(share, saliency.shape[1]) if count is None else count
    if k < 1:
        raise ValueError(f"share {share}, count {count} is {k} of {saliency.shape[1]} pixels; wanted: 1 at least")
    valid = (saliency.min(1) < saliency.max(1)) & inside.any(1)
    found = area.hits(saliency, inside, np.full(len(maps), k), index, area.chance(seed)) / k
    size = inside.mean(1) if relative else 1.0
    return np.divide(found, size, out=np.full(len(maps), np.nan), where=valid)
