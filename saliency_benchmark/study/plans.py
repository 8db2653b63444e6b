"""Who sees what: one plan per slot, so that conditions, items and places are balanced over any whole Latin square."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from saliency_benchmark import seeds
from saliency_benchmark.study import squares
from saliency_benchmark.study.item_files import Item
from saliency_benchmark.study.log_form import TRIALS


def conditions(explanations: Sequence[str], access: Sequence[str]) -> list[tuple[str, str]]:
    return list(product(explanations, access))


def plans(items: Sequence[Item], settings: dict, crossed: Sequence[tuple[str, str]]) -> list[list[dict]]:
    """Blocks of each slot: condition, access, and trials [phase, item] or ["attention", item, answer, confidence].

    All slots of one square share their items; within subjects, each condition meets each of the square's sets of items
    equally often, and no participant an image twice. Raises ValueError where there are too few items for that.
    """
    blocks = len(crossed) if settings["design"] == "within" else 1
    items = _distinct(items, settings["seed"])
    check(items, settings, blocks)
    made = []
    while len(made) < settings["participants"]:
        first = len(made)
        square = squares.latin(len(crossed), seeds.rng(settings["seed"], "square", first))
        sets = {phase: _sets(items, phase, settings, blocks, first // len(square)) for phase in TRIALS}
        for row, order in enumerate(square):
            chosen = [{phase: sets[phase][place] for phase in TRIALS} for place in range(blocks)]
            rng = seeds.rng(settings["seed"], "order", first + row)
            made.append([_block(crossed[order[place]], chosen[place], settings, rng) for place in range(blocks)])
    return made


def check(items: Sequence[Item], settings: dict, blocks: int) -> None:
    """Raise ValueError that says how many items are needed, where there are fewer; ITEMS have an image each."""
    missing = []
    for phase, answer in product(TRIALS, (0, 1)):
        wanted, found = blocks * settings[phase] // 2, len(_pool(items, phase, answer))
        if found < wanted:
            missing.append(
                f"  - {phase}: {wanted} items with answer {answer} needed, {found} of different images there"
            )
    if missing:
        each = " and ".join(f"{settings[phase]} {phase} items" for phase in TRIALS)
        told = f"{each} per condition, half of each answer, and {blocks} condition{'s' * (blocks > 1)} per participant"
        advice = "make more items, or lower `training` or `evaluation` in the settings of the study"
        raise ValueError(f"too few items for {told}:\n" + "\n".join(missing) + f"\n{advice}")


def _distinct(items: Sequence[Item], seed: int) -> list[Item]:
    """One item of each image, drawn: models of several seeds and pairs of labels may be asked about the same one."""
    order = seeds.rng(seed, "images").permutation(len(items))
    kept = {items[place].image: items[place] for place in order}
    return [item for item in items if kept[item.image] is item]


def _pool(items: Sequence[Item], phase: str, answer: int) -> list[Item]:
    return [item for item in items if item.training == (phase == "training") and item.answer == answer]


def _sets(items: Sequence[Item], phase: str, settings: dict, blocks: int, turn: int) -> list[list[Item]]:
    """One set per block, alike in answers and difficulty; the next TURN takes the next items of the pool."""
    sets: list[list[Item]] = [[] for _ in range(blocks)]
    for answer in (0, 1):
        pool, wanted = _pool(items, phase, answer), blocks * settings[phase] // 2
        order = seeds.rng(settings["seed"], "items", phase, answer).permutation(len(pool))
        window = [pool[order[(turn * wanted + place) % len(pool)]] for place in range(wanted)]
        window.sort(key=lambda item: item.difficulty)
        rng = seeds.rng(settings["seed"], "sets", phase, answer, turn)
        for start in range(0, wanted, blocks):
            for block, item in zip(rng.permutation(blocks), window[start : start + blocks], strict=True):
                sets[block].append(item)
    return sets


def _block(condition: tuple[str, str], chosen: dict[str, list[Item]], settings: dict, rng: np.random.Generator) -> dict:
    trials = [
        [phase, items[place].name]
        for phase, items in ((phase, chosen[phase]) for phase in TRIALS)
        for place in rng.permutation(len(items))
    ]
    return {"condition": condition[0], "access": condition[1], "trials": _with_catches(trials, settings, rng)}


def _with_catches(trials: list[list], settings: dict, rng: np.random.Generator) -> list[list]:
    """TRIALS with attention checks spread between them, never first; each shows the picture of the trial before it."""
    stretches = np.array_split(np.arange(1, len(trials)), settings["catch_trials"] or 1)
    places = [int(rng.choice(stretch)) for stretch in stretches if settings["catch_trials"] and len(stretch)]
    for place in reversed(places):
        answer, confidence = int(rng.integers(2)), int(rng.integers(1, 5))
        trials = [*trials[:place], ["attention", trials[place - 1][1], answer, confidence], *trials[place:]]
    return trials
