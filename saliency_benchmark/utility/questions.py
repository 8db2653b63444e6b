"""What both kinds of questions share: which images are asked about, and what the models say of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from saliency_benchmark import fitting, seeds, training
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.utility import balancing, checking

# Places of the items wanted: (places of the candidates, how many, generator) -> places.
Choose = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Drawn:
    """How many items are asked about, and what draws them; the settings `utility` say what is what."""

    images: int
    training_items: int
    evaluation_items: int
    strata: int
    seed: int

    def items(self, task: str, index: np.ndarray, choose: Choose) -> tuple[np.ndarray, np.ndarray]:
        """Places of the items of TASK among candidates with this INDEX, and which are for training (item).

        An image serves for training or for evaluation, in all tasks and for all models alike. Raises ValueError where
        there are too few.
        """
        share = self.training_items / (self.training_items + self.evaluation_items)
        learned, found = balancing.for_training(index, share, self.seed), []
        for part, number, mask in (
            ("training", self.training_items, learned),
            ("evaluation", self.evaluation_items, ~learned),
        ):
            places = np.flatnonzero(mask)
            try:
                found.append(places[choose(places, number, seeds.rng("items", self.seed, task, part))])
            except balancing.TooFew as few:
                checking.refuse_few(task, part, few.found, few.wanted)
        return np.concatenate(found), np.arange(sum(map(len, found))) < len(found[0])


def probabilities(classifier: Classifier, images: np.ndarray) -> np.ndarray:
    """Softmax (image, class) of IMAGES, bytes."""
    labels = np.zeros(len(images), np.int64)
    return training.probabilities(fitting.source_of(classifier, np.ascontiguousarray(images), labels)).cpu().numpy()


def lead(found: np.ndarray, target: np.ndarray) -> np.ndarray:
    """How far the TARGET class (image) is ahead of the likeliest other one, by probabilities FOUND (image, class)."""
    places = np.arange(len(found))
    others = found.copy()
    others[places, target] = -np.inf
    return found[places, target] - others.max(1)
