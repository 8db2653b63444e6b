"""People who answer by a logistic law: whom a study would meet if its effect were known.

logit P(correct) = level of the condition + participant + item; both deviations are normal, the items' are shared by all
conditions. An effect is a difference of *marginal* probabilities: what the mean over people and items would show.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
SHARE = WEIGHTS / WEIGHTS.sum()


@dataclass(frozen=True)
class People:
    """How people answer, and in what design: `base` is the marginal probability of a correct answer without an effect.

    Deviations of participants and items are in logits; `correlation`: of a participant's deviations under any two
    conditions. `items`: that a participant sees under a condition; `within`: each sees all conditions.
    """

    items: int = 20
    base: float = 0.6
    participant_sd: float = 0.5
    item_sd: float = 1.0
    correlation: float = 0.5
    within: bool = False

    def levels(self, effects: Iterable[float]) -> np.ndarray:
        """The logit of each condition (condition) whose marginal probability is `base` and one of EFFECTS more."""
        deviation = float(np.hypot(self.participant_sd, self.item_sd))
        return np.array([level(self.base + effect, deviation) for effect in effects])


def marginal(level: float, deviation: float) -> float:
    """Mean probability at LEVEL (logit) over a normal DEVIATION of logits, by Gauss-Hermite quadrature."""
    return float(SHARE @ special.expit(level + deviation * NODES))


def level(probability: float, deviation: float) -> float:
    """The logit whose `marginal` is PROBABILITY. Raises ValueError outside (0, 1)."""
    if not 0 < probability < 1:
        raise ValueError(f"a probability of a correct answer is {probability:g}; wanted: between 0 and 1")
    return float(optimize.brentq(lambda guess: marginal(guess, deviation) - probability, -60, 60, xtol=1e-12))


def own_levels(
    rng: np.random.Generator, people: tuple[int, ...], conditions: int, deviation: float, correlation: float
) -> np.ndarray:
    """Deviations of participants, (*people, condition), of standard DEVIATION, CORRELATED between conditions.

    A correlation below 1 means that a condition helps one person more than another (a random slope).
    """
    shared = rng.standard_normal((*people, 1)) * np.sqrt(correlation)
    return deviation * (shared + rng.standard_normal((*people, conditions)) * np.sqrt(1 - correlation))
