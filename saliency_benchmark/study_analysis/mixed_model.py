"""`correct ~ condition * access + (1 | participant) + (1 | item)`: logistic, fitted by the Laplace approximation.

Standard errors are of the full Hessian, of coefficients and deviations together, as lme4's glmer has them.
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from saliency_benchmark.study_analysis.laplace import Laplace

SMALL = 1e-3  # a deviation of participants or items below it is none
STEP = 1e-4
SLACK = 1e-3  # of a step that Newton's method would still take, in standard errors


@dataclass(frozen=True)
class Fit:
    """COEFFICIENTS (term) on the logit scale, their COVARIANCE, deviations of participants and items, and the deviance.

    `notes` say what keeps the numbers from being trusted.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    deviations: np.ndarray
    deviance: float
    notes: tuple[str, ...]

    def combined(self, weights: np.ndarray) -> tuple[float, float]:
        """A sum of coefficients by WEIGHTS (term), and its standard error."""
        variance = float(weights @ self.covariance @ weights)
        return float(weights @ self.coefficients), float(np.sqrt(variance)) if variance >= 0 else float("nan")


def fit(design: np.ndarray, correct: np.ndarray, participant: np.ndarray, item: np.ndarray) -> Fit:
    """Fit to CORRECT (trial) of 0 and 1 by DESIGN (trial, term); PARTICIPANT and ITEM (trial) are numbers from 0.

    Raises ValueError where terms cannot be told apart, or there are fewer than two participants or items.
    """
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError(f"{design.shape[1]} terms cannot be told apart in {len(design)} trials")
    if participant.max() < 1 or item.max() < 1:
        raise ValueError("the model wants two participants and two items at least")
    model, terms = Laplace(design, correct.astype(float), participant, item), design.shape[1]
    start = np.concatenate([_without_deviations(design, correct), [0.7, 0.7]])
    bounds = [(-30, 30)] * terms + [(0, 20)] * 2
    options = {"maxiter": 500, "ftol": 1e-13, "gtol": 1e-7, "maxcor": 20}
    found = optimize.minimize(model, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options).x
    free = np.append(np.ones(terms, bool), found[terms:] > SMALL)
    found[~free] = 0
    for _ in range(3):
        deviance, slope = model(found)
        hessian = _hessian(model, found, free)
        step, sound = _newton(hessian, slope[free])
        if not sound or not np.all(found[free][terms:] - step[terms:] > 0):
            break
        trial = found.copy()
        trial[free] -= step
        if not model(trial)[0] <= deviance + 1e-7:
            break
        found = trial
    return _told(model, found, free)


def _without_deviations(design: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Coefficients of the plain logistic model, lightly held to 0: where to start."""
    found = np.zeros(design.shape[1])
    for _ in range(8):
        predicted = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        bend = (design * (predicted * (1 - predicted))[:, None]).T @ design + 1e-2 * np.eye(len(found))
        found += np.linalg.solve(bend, design.T @ (correct - predicted) - 1e-2 * found)
    return np.clip(found, -10, 10)


def _hessian(model: Laplace, at: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Central differences of the gradient over the FREE parameters."""
    rows = []
    for place in np.flatnonzero(free):
        move = np.zeros(len(at))
        move[place] = STEP
        rows.append((model(at + move)[1] - model(at - move)[1])[free] / (2 * STEP))
    return (np.array(rows) + np.array(rows).T) / 2


def _newton(hessian: np.ndarray, slope: np.ndarray) -> tuple[np.ndarray, bool]:
    """The step to where the slope is 0, and whether the point is near a minimum at all."""
    values, vectors = np.linalg.eigh(hessian)
    sound = bool(np.isfinite(values).all() and values[0] > 1e-8 * max(1.0, values[-1]))
    return (vectors @ ((vectors.T @ slope) / values), True) if sound else (np.zeros_like(slope), False)


def _told(model: Laplace, found: np.ndarray, free: np.ndarray) -> Fit:
    deviance, slope = model(found)
    hessian = _hessian(model, found, free)
    step, sound = _newton(hessian, slope[free])
    terms, notes = model.terms, []
    covariance = np.full((terms, terms), np.nan)
    if sound:
        inverse = 2 * np.linalg.inv(hessian)
        covariance = inverse[:terms, :terms]
        if np.abs(step / np.sqrt(np.diag(inverse))).max() > SLACK:
            notes.append("not converged: the slope at the end is not 0")
    else:
        notes.append("not converged: the likelihood has no maximum there, no errors are known")
    for name, deviation in zip(("participants", "items"), found[terms:], strict=True):
        if deviation == 0:
            notes.append(f"no variance is left between {name} (a singular fit)")
    if np.abs(found[:terms]).max() > 8:
        notes.append("a coefficient is beyond 8 logits: answers are separated")
    return Fit(found[:terms].copy(), covariance, found[terms:].copy(), float(deviance), tuple(notes))
