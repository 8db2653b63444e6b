"""How many people does a study need? By simulating studies of several sizes and a probit line through their power."""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy import stats

from saliency_benchmark import seeds
from saliency_benchmark.study_analysis import simulated_studies
from saliency_benchmark.study_analysis.simulated_studies import Truth

PILOT, PEOPLE = 400, 16  # studies that tell where to look, and their size
LEAST, MOST = 4, 20_000
AROUND = (0.75, 0.9, 1.0, 1.1, 1.3)  # of the guessed size


@dataclass(frozen=True)
class Wanted:
    """POWER of the test at ALPHA; with a MARGIN, of the equivalence test instead of the test of a difference."""

    power: float = 0.8
    alpha: float = 0.05
    margin: float | None = None


@dataclass(frozen=True)
class Answer:
    """PEOPLE (per condition; in all within subjects), with the range that the simulation leaves open.

    `power` is simulated anew at `people`, with its Monte-Carlo interval of 95 % (Clopper and Pearson, 1934), and so is
    `type_1_error`, the share of studies without any effect that the same test calls different. `curve`: power by size.
    """

    people: int
    people_low: int
    people_high: int
    power: float
    low: float
    high: float
    type_1_error: float
    curve: pd.DataFrame


def people_needed(
    truth: Truth, wanted: Wanted, *, tell: Callable[[str], object], simulations: int = 2000, seed: int = 0
) -> Answer:
    """The least number of people whose power is the one WANTED. Raises ValueError where no number up to 20,000 has it.

    TELL is given a line about each size that was simulated.
    """
    _check(truth, wanted, simulations)
    curve = []

    def simulate(people: int, number: int) -> float:
        found = _power(truth, wanted, people, number, seed)
        curve.append((people, found, *interval(found, number), number))
        tell(f"{people} people: power {found:.3f} in {number} simulated studies")
        return found

    guess = _guess(truth, wanted, simulate, seed)
    sizes = sorted({max(LEAST, round(guess * share)) for share in AROUND})
    for people in sizes:
        simulate(people, simulations)
    people, low, high = _solve(curve, wanted.power, simulations)
    found = simulate(people, 2 * simulations)
    even = simulated_studies.tests(_without(truth), people, 2 * simulations, seeds.rng("power of nothing", seed))
    table = pd.DataFrame(curve, columns=["people", "power", "low", "high", "simulations"])
    error = float(simulated_studies.rejected(*even, wanted.alpha).mean())
    return Answer(people, low, high, found, *interval(found, 2 * simulations), error, table)


def interval(share: float, number: int) -> tuple[float, float]:
    """Of 95 %, for a SHARE of NUMBER simulations (Clopper and Pearson, 1934)."""
    hits = round(share * number)
    low = stats.beta.ppf(0.025, hits, number - hits + 1) if hits else 0.0
    high = stats.beta.ppf(0.975, hits + 1, number - hits) if hits < number else 1.0
    return float(low), float(high)


def _power(truth: Truth, wanted: Wanted, people: int, number: int, seed: int) -> float:
    tests = simulated_studies.tests(truth, people, number, seeds.rng("power", seed, people, number))
    if wanted.margin is not None:
        return float(simulated_studies.equivalent(*tests, wanted.alpha, wanted.margin).mean())
    # In the right direction: to find the opposite is no success.
    right = np.sign(tests[0]) == np.sign(truth.effect)
    return float((simulated_studies.rejected(*tests, wanted.alpha) & right).mean())


def _guess(truth: Truth, wanted: Wanted, simulate: Callable[[int, int], float], seed: int) -> int:
    """About where the power is the one WANTED: the error of a pilot shrinks as the root of the number of people.

    Corrected twice by the power that is found there.
    """
    error = simulated_studies.tests(truth, PEOPLE, PILOT, seeds.rng("power pilot", seed))[1]
    if wanted.margin is None:
        level, point, room = wanted.alpha / 2, wanted.power, abs(truth.effect)
    else:
        level, point, room = wanted.alpha, (1 + wanted.power) / 2, wanted.margin - abs(truth.effect)
    aim = stats.norm.isf(level) + stats.norm.ppf(point)
    people = PEOPLE * float((error**2).mean()) * (aim / room) ** 2
    for _ in range(2):
        if people > MOST:
            raise ValueError(
                f"about {people:,.0f} people would be needed for a power of {wanted.power:g}, and {MOST:,} are "
                "simulated at most; wanted: a larger effect or margin, or less power"
            )
        people = max(LEAST, round(people))
        found = np.clip(simulate(people, PILOT), 0.01, 0.99)
        people *= ((aim + 0.3) / (aim + 0.3 + stats.norm.ppf(found) - stats.norm.ppf(wanted.power))) ** 2
    return max(LEAST, round(people))


def _solve(curve: list[tuple], wanted: float, simulations: int) -> tuple[int, int, int]:
    """Where a probit line in the root of the size reaches WANTED, with its interval of 95 % (delta method)."""
    people, power, _, _, number = (np.array(part, float) for part in zip(*curve, strict=True))
    near = number == simulations
    people, power, number = people[near], np.clip(power[near], 0.5 / simulations, 1 - 0.5 / simulations), number[near]
    design = np.stack([np.ones(len(people)), np.sqrt(people)], 1)
    point = stats.norm.ppf(power)
    weight = number * stats.norm.pdf(point) ** 2 / (power * (1 - power))
    covariance = np.linalg.inv((design.T * weight) @ design)
    start, slope = covariance @ (design.T @ (weight * point))
    if slope <= 0:
        raise ValueError("the power does not grow with the number of people; wanted: more simulations")
    root = (stats.norm.ppf(wanted) - start) / slope
    by = np.array([-1 / slope, -root / slope])
    reach = 1.96 * float(np.sqrt(by @ covariance @ by))
    sizes = [max(LEAST, int(np.ceil(max(0.0, each) ** 2 - 1e-9))) for each in (root, root - reach, root + reach)]
    return sizes[0], sizes[1], sizes[2]


def _without(truth: Truth) -> Truth:
    return Truth(**(asdict(truth) | {"effect": 0.0}))


def _check(truth: Truth, wanted: Wanted, simulations: int) -> None:
    bounds = {
        "base": 0 < truth.base < 1,
        "effect": 0 < truth.base + truth.effect < 1,
        "items": truth.items >= 2,
        "participant-sd": 0 <= truth.participant_sd <= 10,
        "item-sd": 0 <= truth.item_sd <= 10,
        "correlation": 0 <= truth.correlation <= 1,
        "power": wanted.alpha < wanted.power < 1,
        "alpha": 0 < wanted.alpha < 0.5,
        "simulations": simulations >= 100,
    }
    rules = {
        "base": "between 0 and 1",
        "effect": "base and base + effect between 0 and 1",
        "items": "at least 2",
        "power": "above alpha and below 1",
        "alpha": "between 0 and 0.5",
        "correlation": "0 to 1",
        "simulations": "at least 100",
    }
    for name, sound in bounds.items():
        if not sound:
            raise ValueError(f"{name} cannot be that; wanted: {rules.get(name, '0 to 10')}")
    if wanted.margin is None and truth.effect == 0:
        raise ValueError("an effect of 0 is never found; wanted: an effect, or a margin for the equivalence test")
    if wanted.margin is not None and not abs(truth.effect) < wanted.margin:
        raise ValueError(f"an effect of {truth.effect:g} is not within the margin of {wanted.margin:g}")


def told(answer: Answer, truth: Truth, wanted: Wanted) -> str:
    """ANSWER in sentences."""
    each = "in all, each under both conditions" if truth.within else "per condition"
    what = f"{truth.effect:+g} (marginal probability {truth.base:g} to {truth.base + truth.effect:g})"
    test = "finding" if wanted.margin is None else f"showing equivalence within {wanted.margin:g} at"
    lines = [
        f"{answer.people} people {each}, for {test} {what} with a power of {wanted.power:g}",
        f"the simulation leaves open {answer.people_low} to {answer.people_high}",
        f"power there {answer.power:.3f} [{answer.low:.3f}, {answer.high:.3f}]; "
        f"without an effect {answer.type_1_error:.3f} of the studies find one (alpha {wanted.alpha:g})",
    ]
    return "\n".join(lines)
