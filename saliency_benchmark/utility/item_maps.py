"""Maps of the items of a task by a registered method: of each model shown, for the class that it predicts."""

from collections.abc import Iterator, Sequence

import numpy as np

from saliency_benchmark import attribution
from saliency_benchmark.annotations import Chosen
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.schemas import Arrays


class Kept:
    """Takes the blocks of maps that `attribution.explain` makes, as a file would, and keeps them."""

    def __init__(self) -> None:
        self._blocks: list[np.ndarray] = []

    def append(self, attribution: np.ndarray, **rest: np.ndarray) -> None:
        """Channels are summed, as they are where a map is shown."""
        self._blocks.append(attribution.sum(1))

    def maps(self) -> np.ndarray:
        return np.concatenate(self._blocks)


def explain(
    models: Sequence[Classifier],
    questions: Arrays,
    method: dict[str, dict],
    settings: dict,
    background: np.ndarray | None = None,
) -> tuple[np.ndarray, int]:
    """Maps (item, shown, row, column) by METHOD (label -> entry), and how many of their values are no finite number.

    MODELS: the one that all questions are about, or, in the order of `pair`, a clean and a mislabelled one each.
    SETTINGS: of `explain`, without a target; BACKGROUND: training images for methods that ask for them. A value that is
    no number is shown as 0.
    """
    methods, found = attribution.methods(method), np.zeros_like(questions["oracle"])
    for model, items, shown in _views(models, questions):
        if len(items):
            about = {name: questions[name][items] for name in ("label", "index")}
            images = Chosen({"data": questions["image"][items], **about})
            kept = Kept()
            writers = dict.fromkeys(methods, kept)
            choices = attribution.choices(settings)
            attribution.explain(methods, model, images, writers, background=background, **choices)
            found[items, shown] = kept.maps()
    invalid = int((~np.isfinite(found)).sum())
    return np.nan_to_num(found, posinf=0, neginf=0), invalid


def _views(
    models: Sequence[Classifier], questions: Arrays
) -> Iterator[tuple[Classifier, np.ndarray, np.ndarray | int]]:
    """Each model, the items in which it is shown, and its place among the models shown there."""
    if "pair" not in questions:
        yield models[0], np.arange(len(questions["index"])), 0
        return
    for place, model in enumerate(models):
        items = np.flatnonzero(questions["pair"] == place // 2)
        clean = questions["clean"][items].astype(int)
        yield model, items, (1 - clean if place % 2 else clean)
