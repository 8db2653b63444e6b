"""Ask a model what probes want to know, block by block; probes of one job share its passes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from saliency_benchmark import (
    artifacts,
    asking,
    attribution,
    batching,
    calling,
    forwarding,
    pieces,
    registry,
    sharing,
    stepping,
    windows,
)
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.progress import Progress
from saliency_benchmark.reexplaining import Explainer


@dataclass(frozen=True)
class Probe:
    """FUNCTION with its OPTIONS."""

    function: Callable
    options: dict = field(default_factory=dict)


def probes(entries: dict[str, dict]) -> dict[str, Probe]:
    return {
        label: Probe(registry.load("probes", label, entry).probe, entry.get("options", {}))
        for label, entry in entries.items()
    }


def choices(settings: dict) -> dict:
    """The settings `scoring` of a job as keyword arguments of `ask`."""
    return {name: settings[name] for name in ("rows", "backend", "target") if name in settings} | {
        "stop": settings["images"]
    }


def ask(
    probes: dict[str, Probe],
    classifier: Classifier,
    images: artifacts.Reader,
    maps: artifacts.Reader | None,
    writers: dict[str, artifacts.Writer],
    *,
    stop: int,
    target: str | int = "prediction",
    rows: int | None = None,
    backend: str = "torch",
    explainer: Explainer | None = None,
    part: Sequence[int] | None = None,
) -> None:
    """The readings of the first STOP images into the writer of each probe's name.

    MAPS: those of one method, or None for probes that ask the model alone, of the class TARGET. ROWS: images at a time,
    found by itself if None, halved where memory runs out. PART: the first image and the one after the last, whose maps
    are all of MAPS; all if None. Raises ValueError where the maps are of other images.
    """
    images = windows.part(images, part)
    stop = min(stop, len(images), *([] if maps is None else [len(maps)]))
    shape, progress = tuple(images["data"].shape[1:]), Progress("probing", stop)
    forward = forwarding.fastest(classifier.network, shape, backend)
    steps = stepping.Stepping(forward, shape)
    keeper = pieces.Keeper(writers)
    progress.skip(keeper.done)
    walk = batching.Walk(stop, rows or batching.automatic(classifier.network, shape), keeper.done)

    def work(place: slice) -> None:
        block = {name: images[name][place] for name in images.names()}
        inputs = classifier.normalise(block["data"])
        explain = explainer and explainer.of(block.get("region"))
        asked = asking.Asked(classifier, inputs, block["index"], None, forward, explain, steps)
        found = _of_maps(probes, asked, maps, place) if maps else _of_model(probes, asked, target, block["label"])
        about = {"index": block["index"], "target": asked.targets.cpu().numpy().astype(np.int32)}
        for label, readings in found.items():
            writers[label].append(**about, **readings)
        keeper.look()
        progress.add(len(inputs))

    walk.over(work)


def _of_model(probes: dict[str, Probe], asked: asking.Asked, target: str | int, labels: np.ndarray) -> dict:
    asked.targets = attribution.targets_of(target, asked.logits, labels)
    with sharing.shared():
        return {label: _numbers(calling.call(each.function, asked, given={}, options=each.options))
                for label, each in probes.items()}  # fmt: skip


def _of_maps(probes: dict[str, Probe], asked: asking.Asked, maps: artifacts.Reader, place: slice) -> dict:
    if not np.array_equal(maps["index"][place], asked.index):
        raise ValueError("the maps are of other images than these: their `index` differs; make the maps again")
    attribution, targets = (torch.from_numpy(maps[name][place]) for name in ("attribution", "target"))
    asked.targets = targets.long().to(asked.inputs.device)
    attribution = attribution.to(asked.inputs.device)
    valid = attribution.flatten(1).isfinite().all(1)
    # A map that is not all numbers has no order: its readings are no numbers either, and are counted as invalid.
    whole = torch.where(valid.view(-1, *[1] * (attribution.ndim - 1)), attribution, 0)
    with sharing.shared():
        found = {label: calling.call(each.function, asked, whole, given={}, options=each.options)
                 for label, each in probes.items()}  # fmt: skip
    return {label: _numbers(readings, valid.cpu().numpy()) for label, readings in found.items()}


def _numbers(readings: dict, valid: np.ndarray | None = None) -> artifacts.Arrays:
    """READINGS as arrays; NaN for the images that are not VALID."""
    arrays = {name: values.cpu().numpy() if isinstance(values, torch.Tensor) else values
              for name, values in readings.items()}  # fmt: skip
    if valid is None or valid.all():
        return arrays
    return {
        name: np.where(valid.reshape(-1, *[1] * (values.ndim - 1)), values, np.nan)
        if values.dtype.kind == "f"
        else values
        for name, values in arrays.items()
    }
