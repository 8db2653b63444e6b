"""The protocol itself on data whose truth is known: 16 entries, of which four tell the label (Hooker et al., 2019).

x = a z / 10 + d h + e / 10 and the label is z > 0; z, h and e are standard normal numbers, one of each per example; `a`
is 0 but for the first four entries. So three entries, one of the four among them, tell z exactly. The classifier is
the sign of a least squares fit (of smallest norm: all 16 entries hold three numbers); a removed entry is 0.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from saliency_benchmark import seeds

# Vectors of our own, drawn from a normal distribution and moved by tenths until what depends on them (two entries left
# after retraining; without retraining) is about what is told of the published check, whose vectors are not known here.
SIGNAL = np.array([-0.8, 0.8, -0.1, -0.6] + 12 * [0.0])
DISTRACTION = np.array([0.2, 0.6, -2.2, 2.7, -1.0, -1.0, 1.4, 1.4, 0.2, -1.1, -0.6, 0.7, 0.6, 0.4, -0.2, -1.8])
ENTRIES = len(SIGNAL)
ROUNDING = 1e-10  # share of the largest eigenvalue below which one is 0


def table(*, examples: int = 50000, orders: int = 20, seed: int = 0) -> pd.DataFrame:
    """roar_check.csv: order, retrained, removed, accuracy; as many EXAMPLES for the test.

    Orders: truth (the four first), inverted, random (mean over so many ORDERS).
    """
    rng = seeds.rng("roar check", seed)
    train, test = data(examples, rng), data(examples, rng)
    several = {
        "truth": [np.arange(ENTRIES)],
        "inverted": [np.arange(ENTRIES)[::-1]],
        "random": [rng.permutation(ENTRIES) for _ in range(orders)],
    }
    rows = []
    for name, each in several.items():
        for retrained in (True, False):
            curve = np.mean([accuracies(train, test, order, retrained) for order in each], 0)
            told = {"order": name, "retrained": retrained}
            rows += [{**told, "removed": removed, "accuracy": value} for removed, value in enumerate(curve)]
    return pd.DataFrame(rows)


def data(examples: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (example, entry) and labels (example), -1 or 1."""
    z, h, e = rng.standard_normal((3, examples, 1))
    return SIGNAL * z / 10 + DISTRACTION * h + e / 10, np.where(z[:, 0] > 0, 1.0, -1.0)


def accuracies(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], order: Sequence[int], retrained: bool
) -> np.ndarray:
    """Accuracy on TEST with the first 0, 1, ... all entries in ORDER removed (removed); with none left, a guess's.

    RETRAINED: a fit anew to the TRAIN data without these entries, else the fit to all of them.
    """
    gram, moments = train[0].T @ train[0], train[0].T @ train[1]
    found = []
    for removed in range(ENTRIES):
        left = np.ones(ENTRIES)
        left[np.asarray(order[:removed], int)] = 0
        seen = left if retrained else np.ones(ENTRIES)
        weights = np.linalg.pinv(gram * np.outer(seen, seen), ROUNDING, hermitian=True) @ (moments * seen)
        found.append(weights * left)
    right = np.sign(test[0] @ np.stack(found, 1)) == test[1][:, None]
    return np.array([*right.mean(0), 0.5])
