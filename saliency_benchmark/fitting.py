"""From settings to a trained network."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from saliency_benchmark import (
    calling,
    devices,
    layers,
    networks,
    registry,
    seeds,
    selection,
    splitting,
    temperature,
    training,
    weights,
)
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.selection import Course
from saliency_benchmark.training import Source

# Keys of a model's entry that make its network; `weights` and `train` tell what happens to it then.
ARCHITECTURE = ("file", "call", "options", "size", "classes", "normalisation", "layer")


def truth(images: dict[str, np.ndarray], label: str, recipe: dict) -> np.ndarray:
    """What the recipe LABEL is told of IMAGES: labels (image), or all of them, (image, label), if it is for several."""
    several = getattr(registry.load("recipes", label, recipe), "MULTI_LABEL", False)
    return images["labels" if several and "labels" in images else "label"]


def description(model: dict, label: str, images: np.ndarray, labels: np.ndarray) -> dict:
    """What is needed to make the network again. Raises ValueError where there is nothing to tell apart."""
    found = labels.shape[1] if labels.ndim == 2 else int(labels.max()) + 1
    classes = model.get("classes", found)
    if classes < found:
        told = f"models.{label}.classes is {classes}, and a training image has the label {found - 1}"
        raise ValueError(f"{told}; wanted: at least {found}")
    if len(np.unique(labels)) < 2 and model.get("train", True):
        raise ValueError(f"the training images have {len(np.unique(labels))} class; wanted: at least 2")
    entry = {key: model[key] for key in ARCHITECTURE if key in model}
    return {"entry": entry, "label": label, "shape": list(images.shape[1:]), "classes": classes}


def untrained(told: dict, images: np.ndarray, seed: int) -> Classifier:
    """A new classifier with random weights, also where its factory brings others: ROAR begins here."""
    return _classifier(networks.untaught(*_made_of(told), seed), told, images)


def recipe(label: str, entry: dict) -> Callable[..., torch.Tensor]:
    return partial(registry.load("recipes", label, entry).loss, **entry["options"])


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    told: dict,
    loss: Callable,
    seed: int | str,
    settings: dict,
    saved: Checkpoint | None = None,
) -> tuple[Source, np.ndarray]:
    """Train a new network from SEED on IMAGES (bytes); gives it with its images, and its curve of losses."""
    source = source_of(untrained(told, images, seeds.derive("weights", seed)), images, labels)
    return source, training.train(source, loss, seed=seed, saved=saved, **settings)


def obtain(
    images: np.ndarray,
    labels: np.ndarray,
    told: dict,
    loss: Callable,
    seed: int | str,
    settings: dict,
    *,
    path: str | Path | None = None,
    train: bool = True,
    saved: Checkpoint | None = None,
) -> tuple[Source, Course]:
    """The classifier of a run: as its factory makes it, with the weights of PATH, and trained on from there if TRAIN.

    SETTINGS may hold those of `training.train`, and `validation`: the share of the images set aside, which are in no
    step, and by which alone the epoch is chosen (`selection`, `patience`) and the `temperature` fitted. The images of
    the result are those trained on. Raises ValueError where the weights do not fit.
    """
    network = networks.build(*_made_of(told), seeds.derive("weights", seed))
    if path is not None:
        weights.put(path, network, told["classes"] if train else None)
        told = told if train else told | {"entry": weights.normalisation(path) | told["entry"]}
    share = settings.get("validation", 0) if train else 0
    if share and labels.ndim == 2:
        raise ValueError("images of several labels have no classes to be set aside by: set training.validation to 0")
    kept, aside = splitting.split(labels, share, seed) if share else (slice(None), None)
    source = source_of(_classifier(network, told, images[kept], train), images[kept], labels[kept])
    if train:
        held = None if aside is None else source_of(source.classifier, images[aside], labels[aside])
        return source, _taught(source, held, loss, seed, settings, saved)
    network.eval().requires_grad_(False)
    return source, Course({"loss": np.zeros(0)})


def _taught(
    source: Source,
    aside: Source | None,
    loss: Callable,
    seed: int | str,
    settings: dict,
    saved: Checkpoint | None,
) -> Course:
    how = calling.asked(training.train, settings) | {"seed": seed, "saved": saved}
    if aside is None:
        return Course({"loss": training.train(source, loss, **how)})
    calibrated = settings.get("selection") == "calibrated"
    watch = selection.Watch(aside, settings["epochs"], settings.get("patience"), keep=calibrated)
    curve = training.train(source, loss, watch=watch, **how)
    chosen = watch.restore() if calibrated else len(curve) - 1
    course = Course({"loss": curve, **watch.curves()}, {"epoch": chosen + 1})
    if settings.get("temperature"):
        course.facts["temperature"] = temperature.scale(aside)
    return course


def source_of(model: Classifier, images: np.ndarray, labels: np.ndarray) -> Source:
    device = model.mean.device
    return Source(model, torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device).long())


def _made_of(told: dict) -> tuple[dict, str, tuple[int, int, int], int]:
    return told["entry"], told["label"], tuple(told["shape"]), told["classes"]


def _classifier(network: nn.Module, told: dict, images: np.ndarray, train: bool = True) -> Classifier:
    entry, label, shape, classes = _made_of(told)
    networks.check(network, label, shape, classes, train)
    layer = entry.get("layer")
    layer = layers.checked(network, shape, layer) if layer else layers.feature_layer(network, shape)
    mean, deviation = _normalisation(label, entry.get("normalisation"), images)
    device = devices.best()
    return Classifier(network.to(device), mean.to(device), deviation.to(device), layer)


def _normalisation(label: str, given: dict | None, images: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and deviation of each channel, pixels in [0, 1]: those GIVEN, or those of the training images."""
    if given is None:
        return training.statistics(images)
    for name, values in given.items():
        if len(values) != images.shape[1]:
            told = f"models.{label}.normalisation.{name} has {len(values)} numbers"
            raise ValueError(f"{told}, and the images {images.shape[1]} channels; wanted: one each")
    return torch.tensor(given["mean"]).float(), torch.tensor(given["deviation"]).float()
