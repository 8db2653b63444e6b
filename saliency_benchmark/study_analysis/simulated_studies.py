"""Many studies at once, and the test that `two_way.difference` makes of each: from means alone, without a loop.

Answers are 0 or 1: the means of each item in each condition, and of each participant, tell all that the test needs.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from saliency_benchmark.study_analysis import latent

CELLS = 2**21  # answers at a time


@dataclass(frozen=True)
class Truth(latent.People):
    """A study of two conditions: `base` and `base + effect` are marginal probabilities of a correct answer.

    Between subjects each participant is in one condition and sees `items` items, the same in both. Within subjects each
    sees two sets of `items` items, one under each condition; the halves of the participants have them the other way
    round.
    """

    effect: float = 0.1


def tests(truth: Truth, people: int, number: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """NUMBER studies of PEOPLE (per condition, or in all): difference, error, degrees of freedom (study)."""
    size = max(1, CELLS // (2 * people * truth.items))
    blocks = [_block(truth, people, min(size, number - start), rng) for start in range(0, number, size)]
    return tuple(np.concatenate(parts) for parts in zip(*blocks, strict=True))


def rejected(difference: np.ndarray, error: np.ndarray, freedom: np.ndarray, alpha: float) -> np.ndarray:
    """Where the two-sided test at ALPHA tells the difference from 0."""
    return np.abs(difference) > stats.t.ppf(1 - alpha / 2, freedom) * error


def equivalent(
    difference: np.ndarray, error: np.ndarray, freedom: np.ndarray, alpha: float, margin: float
) -> np.ndarray:
    """Where two one-sided tests at ALPHA tell the difference from both ends of -MARGIN to MARGIN."""
    return np.abs(difference) + stats.t.ppf(1 - alpha, freedom) * error < margin


def _block(truth: Truth, people: int, number: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    levels = truth.levels((0.0, truth.effect))
    if truth.within:
        return _within(truth, people, number, levels, rng)
    own = truth.participant_sd * rng.standard_normal((number, 2, people, 1))
    ease = truth.item_sd * rng.standard_normal((number, 1, 1, truth.items))
    right = _answers(levels[:, None, None] + own + ease, rng)
    item, person = right.mean(2), right.mean(3)  # (study, condition, item), (study, condition, participant)
    variances = person.var(2, ddof=1) / people
    apart = item[:, 1] - item[:, 0]
    value = apart.mean(1)
    rest = people * (item * (1 - item)).sum((1, 2)) + people / 2 * ((apart - value[:, None]) ** 2).sum(1)
    parts = (variances**2).sum(1) / (people - 1)
    both = rest / (people * truth.items) ** 2
    return _told(value, variances.sum(1), parts, apart, both)


def _within(truth: Truth, people: int, number: int, levels: np.ndarray, rng: np.random.Generator) -> tuple:
    own = latent.own_levels(rng, (number, people), 2, truth.participant_sd, truth.correlation)
    ease = truth.item_sd * rng.standard_normal((number, 2, 1, truth.items))
    half = people // 2
    counts = (people - half, half)
    variance, rest, means = 0.0, 0.0, []
    for group, part in enumerate((own[:, :half], own[:, half:])):
        # Condition 1 on the set of items GROUP, condition 0 on the other one.
        sides = [
            _answers(levels[condition] + part[:, :, condition, None] + ease[:, group if condition else 1 - group], rng)
            for condition in (0, 1)
        ]
        size = part.shape[1]
        apart = sides[1].mean(2) - sides[0].mean(2)
        variance = variance + apart.var(1) / (4 * size) * people / (people - 1)
        items = [side.mean(1) for side in sides]
        rest = rest + sum((item * (1 - item)).sum(1) for item in items) / size
        means.append(items)
    apart = np.concatenate([means[0][1] - means[1][0], means[1][1] - means[0][0]], 1)
    value = apart.mean(1)
    # Of an item, one side has `half` participants and the other the rest: (1/half + 1/others) with opposite shares.
    spread = ((apart - value[:, None]) ** 2).sum(1)
    rest = rest + spread * sum((1 - size / people) ** 2 / size for size in counts)
    both = rest / (2 * truth.items) ** 2
    return _told(value, variance, variance**2 / (people - 1), apart, both)


def _answers(logits: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.random(logits.shape, np.float32) < special.expit(logits.astype(np.float32))


def _told(
    value: np.ndarray, people: np.ndarray, parts: np.ndarray, apart: np.ndarray, both: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Difference, error and Satterthwaite's degrees of freedom; APART (study, item) are the items' differences."""
    items = apart.shape[1]
    more = np.maximum(apart.var(1, ddof=1) / items - both, 0)
    total = people + more
    with np.errstate(divide="ignore", invalid="ignore"):
        freedom = np.where(total > 0, total**2 / (parts + more**2 / (items - 1)), 1.0)
    return value, np.sqrt(total), freedom
