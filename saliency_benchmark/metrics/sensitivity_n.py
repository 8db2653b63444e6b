"""Sensitivity-n: do attributions add up to the drops of random subsets of n cells (Ancona et al., 2018)?

Pearson over random subsets S of one size: (sum of the signed map over the pixels of S, s(x) - s(x without S)); the mean
over the probe's sizes. Any scale. Removed cells show the probe's fill, subsets fall by its seed. A size at which either
never changes says nothing and is left out; a constant map, or no size left: NaN.
"""

import numpy as np

from saliency_benchmark import curves, pooling

HIGHER_IS_BETTER = True
PROBE = "subsets"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "logit"


def score(clean: np.ndarray, without_subset: np.ndarray, subset: np.ndarray, maps: np.ndarray) -> np.ndarray:
    drops = clean[:, None, None].astype(float) - without_subset
    return curves.defined(curves.pearson(pooling.told(maps, subset), drops))
