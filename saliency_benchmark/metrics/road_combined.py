"""ROAD, both orders: half of what the least relevant first keep more than the most relevant first (Rong et al., 2022).

(LeRF - MoRF) / 2, as pytorch-grad-cam's ROADCombined: the mean over fractions of the difference of the two curves, in
which the clean score falls out. `measure` as in `road_morf`: `score` or `hits`.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "road"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"
MEASURES = ("score", "hits")


def score(
    road_morf: np.ndarray,
    road_lerf: np.ndarray,
    road_morf_hit: np.ndarray,
    road_lerf_hit: np.ndarray,
    *,
    measure: str = "score",
) -> np.ndarray:
    if measure not in MEASURES:
        raise ValueError(f"no measure {measure!r}; there are: {', '.join(MEASURES)}")
    most, least = (road_morf, road_lerf) if measure == "score" else (road_morf_hit, road_lerf_hit)
    return (least.astype(float) - most.astype(float)).mean(1) / 2
