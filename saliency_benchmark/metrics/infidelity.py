"""Infidelity: E (I . map - (s(x) - s(x - I)))^2 over random removals I of cells (Yeh et al., 2019, def. 2.1).

KIND `contribution`: the map holds the factor of the input already (integrated gradients, LRP, SHAP, occlusion, most
maps): I . map is the map's sum over what is removed. `sensitivity`: a gradient; I = x less the probe's fill, there.
SCALED: the map times the factor b >= 0 that serves it best, b = E(I . map * drop) / E(I . map)^2, as in the paper's
experiments; without it the map's scale decides, which methods choose as they like. Never less than 0: turning the sign
of a map is no scaling. A zero map has a score, E(drop^2). Subsets of all the probe's sizes count alike.
"""

import numpy as np

from saliency_benchmark import pooling

HIGHER_IS_BETTER = False
PROBE = "subsets"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "logit"


def score(
    clean: np.ndarray,
    without_subset: np.ndarray,
    subset: np.ndarray,
    difference: np.ndarray,
    maps: np.ndarray,
    *,
    kind: str = "contribution",
    scaled: bool = True,
) -> np.ndarray:
    if kind not in ("contribution", "sensitivity"):
        raise ValueError(f"no kind {kind!r}; there are: contribution, sensitivity")
    values = maps if kind == "contribution" else difference * (maps if maps.ndim == 4 else maps[:, None])
    told = pooling.over(pooling.sums(pooling.pixels(values), subset.shape[3:]), subset).reshape(len(maps), -1)
    drops = (clean[:, None, None].astype(float) - without_subset).reshape(told.shape)
    factor = _factor(told, drops) if scaled else 1
    return np.square(factor * told - drops).mean(1)


def _factor(told: np.ndarray, drops: np.ndarray) -> np.ndarray:
    """The factor of TOLD that brings it nearest to DROPS, none below 0: (image, 1)."""
    power = (told**2).sum(1, keepdims=True)
    return np.maximum(0, np.divide((told * drops).sum(1, keepdims=True), power, out=0 * power, where=power != 0))
