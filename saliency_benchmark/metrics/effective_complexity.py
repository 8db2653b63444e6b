"""Effective complexity: the number of pixels that matter, |a| > epsilon (Nguyen and Martinez, 2020, as in Quantus).

a = sum over the channels, divided by the largest magnitude of its own map: a score does not depend on the scale, nor on
other images. The paper's own k* asks the model how many of the most relevant features hold its loss within epsilon;
this is the form that looks at the map alone. A map that is 0 everywhere has no scale: NaN.
"""

import numpy as np

from saliency_benchmark import regions as area

HIGHER_IS_BETTER = False
FAMILY = "complexity"
SIGN = "absolute"


def score(maps: np.ndarray, *, epsilon: float = 1e-5) -> np.ndarray:
    magnitude = area.absolute(maps)
    most = magnitude.max(1, keepdims=True).astype(float)
    return np.where(most[:, 0] > 0, (magnitude > epsilon * most).sum(1), np.nan)
