"""Ask a model what a probe wants to know about one method's maps, block by block."""

from collections.abc import Callable

import numpy as np
import torch

from saliency_benchmark import artifacts
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.progress import Progress

BATCH = 64


def ask(
    probe: Callable,
    classifier: Classifier,
    images: artifacts.Reader,
    maps: artifacts.Reader,
    writer: artifacts.Writer,
    *,
    stop: int,
    options: dict,
) -> None:
    """The readings of the first STOP images into WRITER. Raises ValueError where the maps are of other images."""
    stop = min(stop, len(images), len(maps))
    progress = Progress("probing", stop)
    names = ("attribution", "index", "target")
    for image, saliency in zip(images.blocks(BATCH, stop), maps.blocks(BATCH, stop, names), strict=True):
        if not np.array_equal(image["index"], saliency["index"]):
            raise ValueError("the maps are of other images than these: their `index` differs; make the maps again")
        inputs = classifier.normalise(image["data"])
        attribution, targets = (
            torch.from_numpy(saliency[name]).to(inputs.device) for name in ("attribution", "target")
        )
        valid = attribution.flatten(1).isfinite().all(1)
        whole = torch.where(valid.view(-1, *[1] * (attribution.ndim - 1)), attribution, 0)
        readings = probe(classifier, inputs, whole, image["index"], targets.long(), **options)
        # A map that is not all numbers has no order: its readings are no numbers either, and are counted as invalid.
        arrays = {
            name: np.where(_like(valid, values), values.cpu().numpy(), np.nan) for name, values in readings.items()
        }
        writer.append(index=image["index"], target=saliency["target"], **arrays)
        progress.add(len(inputs))


def _like(valid: torch.Tensor, values: torch.Tensor) -> np.ndarray:
    return valid.cpu().numpy().reshape(-1, *[1] * (values.ndim - 1))
