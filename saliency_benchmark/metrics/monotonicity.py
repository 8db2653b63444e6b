"""Monotonicity: does the score never fall while cells appear, the least salient first (Arya et al., 2019)?

The deletion curve read backwards: from the empty image, in rising order of attribution. Share of its steps on which the
score does not fall; STRICT: 1 where that is all of them, else 0, as published. `score_behaviour` with the curve
`deletion` differs in steps that change nothing. An absent cell shows the probe's fill. Signed map, its order only.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(deletion: np.ndarray, *, strict: bool = False) -> np.ndarray:
    rises = np.diff(deletion[:, ::-1].astype(float), axis=1)
    share = np.where(np.isnan(rises).any(1), np.nan, (rises >= 0).mean(1))
    return np.where(np.isnan(share), np.nan, share == 1) if strict else share
