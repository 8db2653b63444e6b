"""ROAD, least relevant first: mean score while the least salient pixels go and are imputed (Rong et al., 2022).

As `road_morf`, in the other order: a good map leaves what matters to the last.
"""

import numpy as np

from saliency_benchmark.metrics import road_morf as most_first

HIGHER_IS_BETTER = True
PROBE = "road"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(road_lerf: np.ndarray, road_lerf_hit: np.ndarray, clean: np.ndarray, *, measure: str = "score") -> np.ndarray:
    return most_first.score(road_lerf, road_lerf_hit, clean, measure=measure)
