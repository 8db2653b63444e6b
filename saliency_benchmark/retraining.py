"""RemOve And Retrain: the same training with other input."""

from collections.abc import Callable
from functools import partial

import numpy as np

from saliency_benchmark import checkpoints, fitting, masked, masking, seeds, training
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.progress import LOGGER


def retrain(
    train: dict,
    test: dict,
    ranks: list[np.ndarray],
    *,
    told: dict,
    loss: Callable,
    settings: dict,
    fractions: list[float],
    order: str,
    fill: str,
    seed: str,
    saved: Checkpoint | None = None,
) -> list[dict]:
    """Accuracy on the test images after retraining with each fraction of the pixels removed from *both* splits.

    ranks: rank maps of the training and of the test images. The accuracy is the last epoch's: nothing is selected on
    the test images. What SAVED holds is not done again. Hooker et al. 2019, section 3.
    """

    def accuracy(fraction: float) -> float:
        gone = [masking.removed(rank, fraction, order) for rank in ranks]
        model = fitting.untrained(told, train["data"], seeds.derive("weights", seed))
        training.train(masked.source_of(model, train, gone[0], fill), loss, seed=seed, saved=saved, **settings)
        return training.accuracy(masked.source_of(model, test, gone[1], fill))

    rows = []
    for fraction in fractions:
        found = checkpoints.once(saved, f"{order} {fraction}", partial(accuracy, fraction))
        rows.append({"fraction": fraction, "accuracy": found})
        LOGGER.info("%s %s: accuracy %.4f", order, fraction, found)
    return rows
