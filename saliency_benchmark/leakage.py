"""What the masks alone tell of the classes: a classifier that sees them and no image (Rong et al., 2022)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from saliency_benchmark import checkpoints, curve_ends, fitting, masking, seeds, training
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.progress import LOGGER
from saliency_benchmark.training import Source


@dataclass
class MaskSource(Source):
    """In the place of an image its mask: 1 where an entry is removed, 0 elsewhere, less the mask's mean.

    removed (image, [channel], row, column) bool; a mask of pixels is shown in every channel of the images.
    """

    removed: torch.Tensor

    def inputs(self, index: torch.Tensor | slice) -> torch.Tensor:
        gone = self.removed[index].float()
        gone = gone if gone.ndim == 4 else gone[:, None]
        centred = gone - gone.mean((1, 2, 3), keepdim=True)
        shown = centred.expand(-1, self.images.shape[1], -1, -1)
        return shown.contiguous(memory_format=torch.channels_last)


def source_of(model: Classifier, images: dict, removed: np.ndarray) -> MaskSource:
    source = fitting.source_of(model, images["data"], images["label"])
    return MaskSource(model, source.images, source.labels, torch.from_numpy(removed).to(model.mean.device))


def leak(
    train: dict,
    test: dict,
    ranks: list[masking.Levels],
    *,
    told: dict,
    loss: Callable,
    settings: dict,
    fractions: list[float],
    order: str,
    seed: str,
    name: str = "",
    saved: Checkpoint | None = None,
) -> list[dict]:
    """Test accuracy of a network of ROAR's architecture, trained on the masks with the images' labels, by fraction.

    ranks: those of the training and of the test images. `chance`: what the most frequent training label gets. Where
    the accuracy is higher, the masks' shape tells the class, and a ROAR curve shows that beside what was removed. What
    SAVED holds, by NAME, is not done again.
    """

    def accuracy(fraction: float) -> float:
        gone = [masking.removed(rank, fraction, order) for rank in ranks]
        model = fitting.untrained(told, train["data"], seeds.derive("weights", seed))
        training.train(source_of(model, train, gone[0]), loss, seed=seed, saved=saved, **settings)
        return training.accuracy(source_of(model, test, gone[1]))

    chance = curve_ends.chance(train["label"], test["label"])
    rows = []
    for fraction in fractions:
        part = f"{name} {order} {fraction}".strip()
        found = checkpoints.once(saved, part, partial(accuracy, fraction))
        rows.append({"fraction": fraction, "accuracy": found, "chance": chance})
        LOGGER.info("masks alone, %s: accuracy %.4f, chance %.4f", part, found, chance)
    return rows
