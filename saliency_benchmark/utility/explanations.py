"""Maps that are shown with the questions: by methods for each model shown, and those of the controls."""

import numpy as np

from saliency_benchmark import seeds
from saliency_benchmark.schemas import Arrays
from saliency_benchmark.utility_design import NONE, ORACLE, OTHER_IMAGE, RANDOM


def controls(questions: Arrays, maps: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Maps (item, shown, row, column) of each control, by name; MAPS of a method are those shown with other items.

    `random`: uniform noise; `other_image`: the maps of another item, as `exchanged` deals them.
    """
    shape = questions["oracle"].shape
    drawn = [seeds.rng("random map", seed, int(index)).random(shape[1:]) for index in questions["index"]]
    partner = exchanged(questions["answer"], questions["training"], seeds.rng("other image", seed))
    found = {NONE: np.zeros(shape), ORACLE: questions["oracle"], RANDOM: np.array(drawn), OTHER_IMAGE: maps[partner]}
    return {name: values.astype(np.float32) for name, values in found.items()}


def exchanged(answer: np.ndarray, training: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whose map each item gets (item): never its own, each map once, and none from evaluation for training or back.

    Half of the items of either answer get one of the other answer, so that it tells nothing: by pure chance slightly
    more than half would, since an item's own map is left out.
    """
    partner = np.arange(len(answer))
    for part in (training, ~training):
        crossing = []
        members = [rng.permutation(np.flatnonzero(part & (answer == one))) for one in (0, 1)]
        number = min(map(len, members)) // 2
        for each in members:
            # One left alone would get its own.
            stays = each[number if len(each) - number != 1 else number + 1 :]
            partner[stays] = np.roll(stays, 1)
            crossing.append(each[: len(each) - len(stays)])
        partner[np.concatenate(crossing)] = np.concatenate(crossing[::-1])
    return partner


def joined(questions: Arrays, maps: dict[str, np.ndarray]) -> Arrays:
    """Arrays of `artifacts.ITEMS`: QUESTIONS with MAPS by explanation."""
    names = np.array([name.encode() for name in maps], dtype="S")
    asked = {name: array for name, array in questions.items() if name not in ("oracle", "clean")}
    return asked | {"map": np.stack(list(maps.values()), 1), "explanation": names}
