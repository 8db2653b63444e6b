"""RemOve And Retrain: the same training with other input."""

from collections.abc import Callable

import numpy as np

from saliency_benchmark import fitting, masked, masking, seeds, training
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
) -> list[dict]:
    """Accuracy on the test images after retraining with each fraction of the pixels removed from *both* splits.

    ranks: rank maps of the training and of the test images. The accuracy is the last epoch's: nothing is selected on
    the test images. Hooker et al. 2019, section 3.
    """
    rows = []
    for fraction in fractions:
        gone = [masking.removed(rank, fraction, order) for rank in ranks]
        model = fitting.untrained(told, train["data"], seeds.derive("weights", seed))
        training.train(masked.source_of(model, train, gone[0], fill), loss, seed=seed, **settings)
        rows.append({"fraction": fraction, "accuracy": training.accuracy(masked.source_of(model, test, gone[1], fill))})
        LOGGER.info("%s %s: accuracy %.4f", order, fraction, rows[-1]["accuracy"])
    return rows
