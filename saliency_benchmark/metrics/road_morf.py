"""ROAD, most relevant first: mean score while the most salient pixels go and are imputed (Rong et al., 2022).

The plain mean over the fractions that the probe removes. `measure`: `score` of the class explained, by default its
probability; `drop`: that less the clean score, the change of confidence of pytorch-grad-cam; `hits`: share of fractions
at which the class is still predicted, whose mean over images is the accuracy that the paper and Quantus plot. Signed
map, channels summed, its order only; noisy linear imputation; seed of ties and noise: the probe's.
"""

import numpy as np

HIGHER_IS_BETTER = False
PROBE = "road"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"
MEASURES = ("score", "drop", "hits")


def score(road_morf: np.ndarray, road_morf_hit: np.ndarray, clean: np.ndarray, *, measure: str = "score") -> np.ndarray:
    if measure not in MEASURES:
        raise ValueError(f"no measure {measure!r}; there are: {', '.join(MEASURES)}")
    found = (road_morf_hit if measure == "hits" else road_morf).astype(float).mean(1)
    return found - clean if measure == "drop" else found
