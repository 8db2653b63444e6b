"""Counterfactual simulation: does the model's prediction stay after a shift of the image that is shown?"""

import numpy as np

from saliency_benchmark import calling, grid, registry, seeds
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.schemas import Arrays
from saliency_benchmark.utility import balancing, checking, oracle
from saliency_benchmark.utility.questions import Drawn, lead, probabilities
from saliency_benchmark.utility_design import SIMULATION

BLOCK = 256


def shifted(images: Arrays, label: str, entry: dict, seed: int) -> np.ndarray:
    """IMAGES as the shift LABEL changes them, (image, channel, row, column) bytes."""
    change, blocks = registry.load("shifts", label, entry).shift, []
    for start in range(0, len(images["index"]), BLOCK):
        block = {name: array[start : start + BLOCK] for name, array in images.items()}
        rngs = [seeds.rng("shift", label, seed, int(index)) for index in block["index"]]
        given = {"rngs": rngs, "regions": block.get("region")}
        blocks.append(calling.call(change, block["data"], given=given, options=entry["options"]))
    return np.concatenate(blocks)


def ask(classifier: Classifier, images: Arrays, shift: dict[str, dict], drawn: Drawn, side: int, exact: int) -> Arrays:
    """Arrays of `artifacts.QUESTIONS` about SHIFT (label -> entry). Answer 0: the prediction changes, 1: it stays.

    The oracle marks the smallest set of SIDE x SIDE cells whose shift changes the prediction (`oracle.smallest`, EXACT
    up to so many), and nothing where it stays. Difficulty: 1 less how far apart the class predicted and the likeliest
    other one are after the shift. Raises ValueError where there are too few of either answer.
    """
    [(label, entry)] = shift.items()
    before, changed = probabilities(classifier, images["data"]), shifted(images, label, entry, drawn.seed)
    target, after = before.argmax(1), probabilities(classifier, changed)
    stays = (after.argmax(1) == target).astype(np.int8)
    difficulty = 1 - np.abs(lead(after, target)).astype(np.float32)

    def choose(places: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
        level = balancing.levels(difficulty[places], drawn.strata)
        return balancing.balanced(stays[places], level, number, rng)

    chosen, training = drawn.items(SIMULATION, images["index"], choose)
    found = {
        "image": images["data"][chosen],
        "shifted": changed[chosen],
        "prediction": target[chosen, None].astype(np.int32),
        "probability": before[chosen, target[chosen]][:, None],
        "answer": stays[chosen],
        "difficulty": difficulty[chosen],
        "training": training,
        **{name: images[name][chosen] for name in ("label", "index")},
    }
    found["oracle"] = marked(classifier, found, side, exact)[:, None]
    checking.refuse_unreadable(SIMULATION, found["oracle"], found["answer"])
    return found


def marked(classifier: Classifier, items: Arrays, side: int, exact: int) -> np.ndarray:
    """The smallest sets of cells that change the predictions of ITEMS: 1 in them, 0 elsewhere, (item, row, column)."""
    shape = items["image"].shape[2:]
    cells = grid.cell_of_pixel(shape, (min(side, shape[0]), min(side, shape[1]))).numpy()
    arrays = (items[name] for name in ("image", "shifted", "prediction"))
    changes = (
        oracle.Change(lambda some: probabilities(classifier, some), image, other, cells, int(target[0]))
        for image, other, target in zip(*arrays, strict=True)
    )
    return np.array([oracle.smallest(change, exact)[cells] for change in changes], np.float32)
