"""Errors of what people answered on items: both are samples, and neither answers nor items are independent.

A mean of trials has an error from participants, one from items, and what they share, V_participants + V_items - V_both
(Cameron, Gelbach and Miller, 2011). The bootstrap draws participants, then items, and weighs each trial by the product
(Owen, 2007): it is on the safe side, since what a trial owes to chance alone is counted three times.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from saliency_benchmark import bootstrap, seeds

Weighed = Callable[[np.ndarray, np.ndarray], np.ndarray]  # weights of participants and items, (sample, .) -> (sample)


@dataclass(frozen=True)
class Trials:
    """Values of trials with the numbers of their participant, item and group; group 1 is compared with group 0."""

    participant: np.ndarray
    item: np.ndarray
    group: np.ndarray
    value: np.ndarray

    @property
    def people(self) -> int:
        return int(self.participant.max()) + 1 if len(self.participant) else 0

    @property
    def items(self) -> int:
        return int(self.item.max()) + 1 if len(self.item) else 0

    def sums(self, group: int) -> tuple[np.ndarray, np.ndarray]:
        """Trials and sum of the values of GROUP: both (participant, item)."""
        own, shape = self.group == group, (self.people, self.items)
        cell = self.participant[own] * self.items + self.item[own]
        return tuple(
            np.bincount(cell, weights, self.people * self.items).reshape(shape)
            for weights in (np.ones(own.sum()), self.value[own])
        )


@dataclass(frozen=True)
class Estimate:
    """A VALUE with its standard error and degrees of freedom; NaN where they cannot be known."""

    value: float
    error: float
    freedom: float

    def interval(self, confidence: float) -> tuple[float, float]:
        """Of Student's t."""
        reach = stats.t.ppf((1 + confidence) / 2, self.freedom) * self.error
        return self.value - reach, self.value + reach

    def p(self, against: float = 0.0) -> float:
        """Two-sided, of the value being AGAINST."""
        return float(2 * stats.t.sf(abs(self._t(against)), self.freedom))

    def p_above(self, bound: float) -> float:
        """One-sided, of the value being at most BOUND."""
        return float(stats.t.sf(self._t(bound), self.freedom))

    def _t(self, against: float) -> float:
        away = self.value - against
        if self.error > 0 or np.isnan(self.error):
            return away / self.error
        return float(np.sign(away) * np.inf) if away else 0.0


def difference(trials: Trials) -> Estimate:
    """Mean of group 1 less that of group 0, item by item, each item weighed by n1 n0 / (n1 + n0) (Mantel-Haenszel).

    The difference of the means where everybody sees the same items. The error is two-way clustered, each part with its
    n / (n - 1), participants by the groups that they were in. V_items - V_both is what an effect that differs by item
    adds, and is not taken below 0. Degrees of freedom: Satterthwaite's. NaN where no item is in both groups, or one
    participant alone is in a group.
    """
    count, share = (np.bincount(trials.item, weights, trials.items) for weights in (None, trials.group))
    centred = trials.group - (share / np.maximum(count, 1))[trials.item]
    weight = centred @ trials.group
    if weight <= 0:
        return Estimate(np.nan, np.nan, np.nan)
    value = float(centred @ trials.value / weight)
    rest = trials.value - value * centred
    rest -= (np.bincount(trials.item, rest, trials.items) / np.maximum(count, 1))[trials.item]
    score = centred * rest / weight
    cells = np.bincount(trials.participant * trials.items + trials.item, score, trials.people * trials.items)
    scores = cells.reshape(trials.people, trials.items)
    people, freedom = _people(scores.sum(1), trials)
    both = np.count_nonzero(count * share * (count - share))  # items that tell anything
    items = (scores.sum(0) ** 2).sum() * both / (both - 1) if both > 1 else np.nan
    more = max(0.0, float(items - (scores**2).sum()))
    if not people + more > 0:
        return Estimate(value, people + more, freedom)
    found = (people + more) ** 2 / (people**2 / freedom + more**2 / max(both - 1, 1))
    return Estimate(value, float(np.sqrt(people + more)), float(found))


def _people(scores: np.ndarray, trials: Trials) -> tuple[float, float]:
    """Variance from participants, and its degrees of freedom (Welch's): SCORES (participant)."""
    seen = [np.bincount(trials.participant, trials.group == group, trials.people) > 0 for group in (0, 1)]
    parts = []
    for pattern in (seen[0] & ~seen[1], seen[1] & ~seen[0], seen[0] & seen[1]):
        number = int(pattern.sum())
        if number == 1:
            return np.nan, np.nan
        if number:
            parts.append(((scores[pattern] ** 2).sum() * number / (number - 1), number - 1))
    total = sum(part for part, _ in parts)
    if total == 0:
        return 0.0, float(sum(number for _, number in parts))
    return float(total), float(total**2 / sum(part**2 / number for part, number in parts))


def mean_statistic(trials: Trials) -> Weighed:
    """The mean of all values as a function of weights."""
    count, total = (sum(parts) for parts in zip(*(trials.sums(group) for group in (0, 1)), strict=True))
    return lambda people, items: _ratio(((people @ total) * items).sum(1), ((people @ count) * items).sum(1))


def difference_statistic(trials: Trials) -> Weighed:
    """The Mantel-Haenszel difference as a function of weights."""
    (count0, total0), (count1, total1) = (trials.sums(group) for group in (0, 1))

    def statistic(people: np.ndarray, items: np.ndarray) -> np.ndarray:
        n0, n1, s0, s1 = (people @ each for each in (count0, count1, total0, total1))
        weight = _ratio(n1 * n0, n1 + n0) * items
        apart = _ratio(s1, n1) - _ratio(s0, n0)
        return _ratio(np.where(weight > 0, weight * apart, 0).sum(1), np.where(weight > 0, weight, 0).sum(1))

    return statistic


def interval(
    statistic: Weighed, strata: np.ndarray, items: int, *, confidence: float, resamples: int, seed: int
) -> bootstrap.Interval:
    """BCa interval of STATISTIC over participants, drawn within STRATA (participant) so that arms keep their size,
    and items; its acceleration is of both. NaN with fewer than two participants or items.
    """
    if len(strata) < 2 or items < 2:
        return bootstrap.NONE
    rng = seeds.rng("two-way bootstrap", seed)
    people = np.zeros((resamples, len(strata)))
    for stratum in np.unique(strata):
        own = np.flatnonzero(strata == stratum)
        people[:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), resamples)
    drawn = statistic(people, rng.multinomial(items, np.full(items, 1 / items), resamples).astype(float))
    one = np.ones
    estimate = float(statistic(one((1, len(strata))), one((1, items)))[0])
    left = [
        statistic(1 - np.eye(len(strata)), one((len(strata), items))),
        statistic(one((items, len(strata))), 1 - np.eye(items)),
    ]
    left = np.concatenate([part - np.nanmean(part) if np.isfinite(part).any() else part for part in left])
    return bootstrap.bca(estimate, drawn, left, confidence)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)
