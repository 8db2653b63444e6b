"""A masked data set is a data set: the same images, with some of their pixels removed as they are read."""

from dataclasses import dataclass

import numpy as np
import torch

from saliency_benchmark import fills, fitting
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.training import Source


@dataclass
class MaskedSource(Source):
    """Images whose entries show FILL where REMOVED is True.

    removed (image, [channel], row, column) bool, on the images' device.
    """

    removed: torch.Tensor
    fill: str

    def inputs(self, index: torch.Tensor | slice) -> torch.Tensor:
        inputs, gone = super().inputs(index), self.removed[index]
        gone = gone if gone.ndim == 4 else gone[:, None]
        return torch.where(gone, fills.fill(self.fill, inputs, self.classifier.black()), inputs)


def source_of(model: Classifier, images: dict, removed: np.ndarray, fill: str) -> MaskedSource:
    source = fitting.source_of(model, images["data"], images["label"])
    return MaskedSource(model, source.images, source.labels, torch.from_numpy(removed).to(model.mean.device), fill)
