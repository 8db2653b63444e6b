"""Area under the ROC curve of the map as a classifier of the region's pixels (Fawcett, 2006): 0.5 is chance.

The share of pairs, a pixel inside and one outside, in which the one inside is more salient; equal ones count a half
(Mann-Whitney), so a constant map has 0.5. Signed map, channels summed; its order only. A region that is empty or the
whole image leaves one class: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = True
NEEDS_REGIONS = True
FAMILY = "localisation"
SIGN = "signed"


def score(maps: np.ndarray, regions: np.ndarray) -> np.ndarray:
    # Image by image: each class sorted alone costs less than one order of all pixels with its ties.
    return np.array([_area(*pair) for pair in zip(area.signed(maps), area.flat(regions))])


def _area(saliency: np.ndarray, region: np.ndarray) -> float:
    inside, outside = np.sort(saliency[region]), np.sort(saliency[~region])
    if not len(inside) or not len(outside) or np.isnan(saliency[0]):
        return np.nan
    # Equal pixels are looked up once.
    last, size = area.runs(inside)
    value = inside[last]
    below = np.searchsorted(outside, value)
    tied = outside.take(below, mode="clip") == value
    equal = np.searchsorted(outside, value[tied], "right") - below[tied]
    return (size @ below + size[tied] @ equal / 2) / (len(inside) * len(outside))
