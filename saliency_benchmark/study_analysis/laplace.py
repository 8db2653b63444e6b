"""The Laplace approximation of a logistic model with crossed random intercepts: deviance and gradient.

y ~ Bernoulli(expit(X b + s1 u1[participant] + s2 u2[item])), u standard normal. Twice the negative log-likelihood is
approximated at the conditional mode of u (Bates et al., 2015, lme4's glmer with nAGQ = 1):
    d = -2 log p(y | u) + |u|^2 + log det H,   H = L Z' W Z L + 1,   W = p (1 - p).
Both blocks of H are diagonal; one is eliminated, and the Schur complement has as many rows as there are items.
"""

import numpy as np
from scipy import linalg, special

STEPS = 100


class Laplace:
    """DESIGN (trial, term), CORRECT (trial) of 0 and 1, numbers of participant and item (trial), each from 0."""

    def __init__(self, design: np.ndarray, correct: np.ndarray, participant: np.ndarray, item: np.ndarray) -> None:
        self.design, self.correct = design, correct
        self.index = (participant, item)
        self.sizes = (int(participant.max()) + 1, int(item.max()) + 1)
        self.terms = design.shape[1]
        self._cell = participant * self.sizes[1] + item
        self._mode = tuple(np.zeros(size) for size in self.sizes)

    def __call__(self, parameters: np.ndarray) -> tuple[float, np.ndarray]:
        """Deviance and its gradient at PARAMETERS: coefficients, then the deviations of participants and items."""
        fixed, scales = self.design @ parameters[: self.terms], parameters[self.terms :]
        modes = self._find_mode(fixed, scales)
        predicted = special.expit(self._total(fixed, scales, modes))
        weight, miss = predicted * (1 - predicted), self.correct - predicted
        solver = _Blocks(self, weight, scales)
        deviance = 2 * self._loss(fixed, scales, modes) + solver.log_determinant
        return deviance, self._gradient(scales, modes, weight, miss, predicted, solver)

    def _find_mode(self, fixed: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The u that is most probable given the answers: Newton's method from where it last ended."""
        modes = self._mode
        loss = self._loss(fixed, scales, modes)
        for _ in range(STEPS):
            predicted = special.expit(self._total(fixed, scales, modes))
            miss = self.correct - predicted
            slope = [s * self.grouped(miss, k) - u for k, (s, u) in enumerate(zip(scales, modes, strict=True))]
            step = _Blocks(self, predicted * (1 - predicted), scales).solve(*slope)
            gain = sum(float(one @ other) for one, other in zip(slope, step, strict=True))
            size = 1.0
            while True:
                new = tuple(u + size * move for u, move in zip(modes, step, strict=True))
                found = self._loss(fixed, scales, new)
                if found <= loss + 1e-12 * abs(loss) or size < 1e-4:
                    break
                size /= 2
            modes, loss = new, found
            if gain < 1e-18 * (1 + abs(loss)):
                break
        self._mode = modes
        return modes

    def _total(self, fixed: np.ndarray, scales: np.ndarray, modes: tuple) -> np.ndarray:
        return fixed + sum(s * u[index] for s, u, index in zip(scales, modes, self.index, strict=True))

    def _loss(self, fixed: np.ndarray, scales: np.ndarray, modes: tuple) -> float:
        total = self._total(fixed, scales, modes)
        fit = np.logaddexp(0, total).sum() - self.correct @ total
        return float(fit + sum(u @ u for u in modes) / 2)

    def _gradient(self, scales, modes, weight, miss, predicted, solver) -> np.ndarray:
        """By the implicit function theorem: the mode moves with the parameters, and with it log det H."""
        variance, own, cross = solver.variances()
        bend = weight * (1 - 2 * predicted) * variance
        pull = solver.solve(*(s * self.grouped(bend, k) for k, s in enumerate(scales)))
        carried = weight * self._total(0.0, scales, pull)
        slopes = [self.design.T @ (bend - carried - 2 * miss)]
        for k, scale in enumerate(scales):
            moved = modes[k][self.index[k]]
            direct = 2 * weight @ (scale * own[k][self.index[k]] + scales[1 - k] * cross.ravel()[self._cell])
            slopes.append([moved @ (bend - carried - 2 * miss) + direct + pull[k] @ self.grouped(miss, k)])
        return np.concatenate(slopes)

    def grouped(self, values: np.ndarray, kind: int) -> np.ndarray:
        """Sums of VALUES (trial) by participant (0) or item (1)."""
        return np.bincount(self.index[kind], values, self.sizes[kind])

    def crossed(self, values: np.ndarray) -> np.ndarray:
        """Sums of VALUES (trial) by participant and item."""
        return np.bincount(self._cell, values, self.sizes[0] * self.sizes[1]).reshape(self.sizes)


class _Blocks:
    """H factored: the participants' diagonal block, and the Cholesky factor of what it leaves of the items'."""

    def __init__(self, model: Laplace, weight: np.ndarray, scales: np.ndarray) -> None:
        self._index = model.index
        self._scales = scales
        first, second = (1 + s * s * model.grouped(weight, k) for k, s in enumerate(scales))
        between = scales[0] * scales[1] * model.crossed(weight)
        self._first, self._between = first, between / first[:, None]
        schur = np.diag(second) - between.T @ self._between
        self._factor = linalg.cho_factor(schur, lower=True, check_finite=False)
        self.log_determinant = float(np.log(first).sum() + 2 * np.log(np.diag(self._factor[0])).sum())

    def solve(self, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        items = linalg.cho_solve(self._factor, second - self._between.T @ first, check_finite=False)
        return first / self._first - self._between @ items, items

    def variances(self) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray]:
        """Variance of each trial's logit given the answers; the diagonals of the inverse of H, and its cross block."""
        inverse = linalg.cho_solve(self._factor, np.eye(len(self._between.T)), check_finite=False)
        cross = -self._between @ inverse
        own = (1 / self._first - (cross * self._between).sum(1), np.diag(inverse))
        (one, two), (people, items) = self._scales, self._index
        trials = one * one * own[0][people] + two * two * own[1][items] + 2 * one * two * cross[people, items]
        return trials, own, cross
