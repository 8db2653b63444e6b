"""Intersection over union of the region and the map cut at a share of its maximum (Zhou et al., 2016, section 3.1).

The map L = max(sum over the channels, 0) is cut where L >= threshold x max L: value thresholding (Zhou et al.: 0.2;
Fong and Vedaldi, 2017, search it). A min-max scaled map is cut so too, where its smallest value is 0, as after a ReLU.
THRESHOLDS: 0.05 to 0.95 in steps of 0.05 if not given. TAKE `mean` over them, which nears `iou_auc`, or the `best` of
each image: an upper bound, as the threshold is chosen knowing the region. No positive relevance, or an empty region:
NaN; a constant positive map is the whole image.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "positive"
GRID = tuple(step / 20 for step in range(1, 20))


def score(
    maps: np.ndarray, regions: np.ndarray, *, thresholds: list[float] | None = None, take: str = "mean"
) -> np.ndarray:
    cuts = np.array(GRID if thresholds is None else thresholds, float)
    if not cuts.size or cuts.min() <= 0 or cuts.max() > 1:
        raise ValueError(f"thresholds are {thresholds}; wanted: some above 0 and up to 1, shares of the map's maximum")
    if take not in ("mean", "best"):
        raise ValueError(f"take is {take!r}; wanted: mean or best")
    relevance, region = area.energy(maps), area.flat(regions)
    most = relevance.max(1, keepdims=True).astype(float)
    found = np.stack([_overlap(relevance >= cut * most, region) for cut in cuts], axis=1)
    valid = (most[:, 0] > 0) & region.any(1)
    return np.where(valid, found.mean(1) if take == "mean" else found.max(1), np.nan)


def _overlap(mask: np.ndarray, region: np.ndarray) -> np.ndarray:
    both = (mask & region).sum(1, dtype=np.int32)
    return both / np.maximum(mask.sum(1, dtype=np.int32) + region.sum(1) - both, 1)
