"""Simulated users of every kind and size on the items of one task, with the maps of one explanation."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from saliency_benchmark import seeds
from saliency_benchmark.progress import Progress
from saliency_benchmark.schemas import Arrays
from saliency_benchmark.utility import agents, readers, students
from saliency_benchmark.utility.seen import Seen, joined, see

TRUE, SHUFFLED = "true", "shuffled"
BOTH, LEARNING = "training_evaluation", "training"
KEYS = ("dataset", "model", "recipe", "task", "explanation")
COLUMNS = ("access", "agent", "split", "labels", "training_items", "repeat", "evaluation_items", "chance", "accuracy")


@dataclass(frozen=True)
class Users:
    """Who answers the questions, and how often; see the settings `utility`."""

    agents: list[str]
    sizes: list[int]
    reader_sizes: list[int]
    repeats: int
    lapse: float
    seed: int


@dataclass(frozen=True)
class Items:
    """QUESTIONS about one trained model (artifacts.QUESTIONS) and their MAPS (item, shown, row, column)."""

    questions: Arrays
    maps: np.ndarray
    seen: Seen

    @property
    def training(self) -> np.ndarray:
        return np.flatnonzero(self.questions["training"])

    @property
    def evaluation(self) -> np.ndarray:
        return np.flatnonzero(~self.questions["training"])


@dataclass(frozen=True)
class Course:
    """What users of one kind can learn from, and how they are tested.

    `test(places, source, seed)`: the accuracy of a user who learned from the items at PLACES with the labels of those
    at SOURCE.
    """

    answer: np.ndarray
    told: dict
    test: Callable[[np.ndarray, np.ndarray, object], float]


def items_of(questions: list[Arrays], maps: list[np.ndarray], model_seeds: list[int]) -> dict[int, Items]:
    """By the seed of the model: QUESTIONS about it, with MAPS."""
    classes = 1 + max(int(each["prediction"].max()) for each in questions)
    parts = zip(model_seeds, questions, maps, strict=True)
    return {seed: Items(asked, shown, see(asked, shown, classes)) for seed, asked, shown in parts}


def simulate(models: dict[int, Items], users: Users, task: str) -> pd.DataFrame:
    """COLUMNS of utility.csv, with the `seed` of the model before them, for MODELS by seed.

    Agents learn from training items of the other models where there are several (`split`: model), and are tested on
    evaluation items of this one, whose images they have not seen either; students and readers learn from this model's
    (`split`: images). With `labels` shuffled, which is done at the largest size, what is to be learned is exchanged
    among the items. What is drawn does not depend on the explanation: users of one model, size and repeat differ by the
    maps alone.
    """
    kinds = {"agent": _agents, "student": _students, "reader": _readers}
    rows, progress = [], Progress("simulating users", len(models) * len(users.agents))
    for seed in models:
        for kind in users.agents:
            sizes = users.reader_sizes if kind == "reader" else users.sizes
            trials = _trials(kinds[kind](models, seed, users), sizes, users, (task, seed))
            told = {"seed": seed, "agent": kind, "evaluation_items": len(models[seed].evaluation)}
            rows += [told | trial for trial in trials]
            progress.add(1)
    return pd.DataFrame(rows)[["seed", *COLUMNS]]


def keyed(table: pd.DataFrame, keys: dict[str, str]) -> pd.DataFrame:
    """Rows of utility.csv: TABLE with KEYS (dataset, model, recipe, task, explanation) in every row."""
    return table.assign(**keys)[[*KEYS, "seed", *COLUMNS]]


def _trials(course: Course, sizes: list[int], users: Users, about: tuple) -> Iterator[dict]:
    """A row per size and repeat, and per repeat one with shuffled labels at the largest size that there is."""
    there = [size for size in sorted(sizes) if size <= len(course.answer)]
    for repeat in range(users.repeats):
        seed = (users.seed, *about, repeat)
        order = ordered(course.answer, seeds.rng("users", *seed))
        mixed = seeds.rng("shuffled", *seed).permutation(order[: there[-1]]) if there else order
        for size in there:
            row = course.told | {"training_items": size, "repeat": repeat}
            yield row | {"labels": TRUE, "accuracy": course.test(order[:size], order[:size], seed)}
            if size == there[-1]:
                yield row | {"labels": SHUFFLED, "accuracy": course.test(order[:size], mixed, seed)}


def ordered(answer: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places of items in a random order in which both answers alternate: every beginning of it is balanced."""
    first, second = (rng.permutation(np.flatnonzero(answer == one)) for one in rng.permutation(2))
    number = min(len(first), len(second))
    rest = np.concatenate([first[number:], second[number:]])
    return np.concatenate([np.stack([first[:number], second[:number]], 1).ravel(), rest])


def _agents(models: dict[int, Items], seed: int, users: Users) -> Course:
    others = [each for each in models if each != seed] or [seed]
    learned = joined([models[each].seen.at(models[each].training) for each in others])
    asked = models[seed].seen.at(models[seed].evaluation)

    def test(places: np.ndarray, source: np.ndarray, seed: object) -> float:
        return agents.accuracy(replace(learned.at(places), answer=learned.answer[source]), asked, seed)

    told = {"access": BOTH, "split": "model" if len(models) > 1 else "images", "chance": 0.5}
    return Course(learned.answer.numpy(), told, test)


def _students(models: dict[int, Items], seed: int, users: Users) -> Course:
    items = models[seed]
    seen = students.by_role(items.seen, items.questions["clean"]) if "clean" in items.questions else items.seen
    learned, asked = (seen.at(places) for places in (items.training, items.evaluation))

    def test(places: np.ndarray, source: np.ndarray, seed: object) -> float:
        return students.agreement(replace(learned.at(places), predictions=learned.predictions[source]), asked, seed)

    told = {"access": LEARNING, "split": "images", "chance": students.chance(asked)}
    return Course(learned.answer.numpy(), told, test)


def _readers(models: dict[int, Items], seed: int, users: Users) -> Course:
    items = models[seed]
    known, answer = readers.features(items.questions, items.maps), items.questions["answer"]
    learned, right, asked = known[items.training], answer[items.training], items.evaluation
    comparing = items.maps.shape[1] == 2

    def test(places: np.ndarray, source: np.ndarray, seed: object) -> float:
        reader = readers.Reader(learned[places], right[source], users.lapse, comparing)
        return reader.accuracy(known[asked], answer[asked])

    return Course(right, {"access": BOTH, "split": "images", "chance": 0.5}, test)
