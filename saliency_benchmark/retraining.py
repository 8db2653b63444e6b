"""RemOve And Retrain: the same training with other input."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from saliency_benchmark import fills, fitting, masking, seeds, training
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.progress import LOGGER
from saliency_benchmark.training import Source


@dataclass
class MaskedSource(Source):
    """A masked data set is a data set: the entries where REMOVED is True show FILL, made when a batch is read.

    removed (image, [channel], row, column) bool, on the images' device.
    """

    removed: torch.Tensor
    fill: str

    def inputs(self, index: torch.Tensor | slice) -> torch.Tensor:
        inputs, gone = super().inputs(index), self.removed[index]
        gone = gone if gone.ndim == 4 else gone[:, None]
        return torch.where(gone, fills.fill(self.fill, inputs, self.classifier.black()), inputs)


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
        training.train(_masked(model, train, gone[0], fill), loss, seed=seed, **settings)
        rows.append({"fraction": fraction, "accuracy": training.accuracy(_masked(model, test, gone[1], fill))})
        LOGGER.info("%s %s: accuracy %.4f", order, fraction, rows[-1]["accuracy"])
    return rows


def _masked(model: Classifier, images: dict, removed: np.ndarray, fill: str) -> MaskedSource:
    source = fitting.source_of(model, images["data"], images["label"])
    return MaskedSource(model, source.images, source.labels, torch.from_numpy(removed).to(model.mean.device), fill)
