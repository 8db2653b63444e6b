"""Score behaviour: share of the steps on which the score moves the right way (Gomez et al., 2022; arXiv 2311.17876).

CURVE: `deletion`, on which it should fall as the most salient cells go; `insertion`, on which it should rise as they
appear; `both`: the mean of the two. A step that does not move it moves it no right way. Signed map, its order only.
"""

import numpy as np

HIGHER_IS_BETTER = True
PROBE = "perturbation"
FAMILY = "faithfulness"
SIGN = "signed"
OUTPUT = "probability"


def score(deletion: np.ndarray, insertion: np.ndarray, *, curve: str = "deletion") -> np.ndarray:
    right = {"deletion": _falling(deletion), "insertion": _falling(-insertion)}
    if curve == "both":
        return (right["deletion"] + right["insertion"]) / 2
    if curve not in right:
        raise ValueError(f"no curve {curve!r}; there are: deletion, insertion, both")
    return right[curve]


def _falling(curves: np.ndarray) -> np.ndarray:
    """Share of steps that fall, NaN where a number is missing."""
    changes = np.diff(curves.astype(float), axis=1)
    return np.where(np.isnan(changes).any(1), np.nan, (changes < 0).mean(1))
