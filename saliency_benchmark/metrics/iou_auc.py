"""Area under the intersection over union of region and cut map against the threshold, 0 to 1: `iou` without a grid.

The map L = max(sum over the channels, 0) is cut where L >= threshold x max L, as in `iou`. Between two values of the
map the cut does not change: the area is a sum over its values, exact. Any scale. No positive relevance, or an empty
region: NaN; a constant positive map is the whole image at every threshold.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "positive"


def score(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    relevance, region = area.energy(maps).astype(float, copy=False), area.flat(regions)
    order = np.argsort(-relevance, axis=1)
    levels = np.take_along_axis(relevance, order, 1)
    met = np.take_along_axis(region, order, 1).cumsum(1)
    # Thresholds between a value and the next lower one cut out the pixels up to here; of equal values the last counts.
    width = levels - np.pad(levels[:, 1:], ((0, 0), (0, 1)))
    union = region.sum(1, keepdims=True) + np.arange(1, levels.shape[1] + 1) - met
    valid = (levels[:, 0] > 0) & region.any(1)
    total = (met / union * width).sum(1)
    return np.divide(total, levels[:, 0], out=np.full(len(maps), np.nan), where=valid)
