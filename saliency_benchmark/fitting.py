"""From settings to a trained network."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch

from saliency_benchmark import classifier, devices, layers, registry, seeds, training
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.training import Source


def description(model: dict, label: str, images: np.ndarray, labels: np.ndarray) -> dict:
    """What is needed to make the network again. Raises ValueError where there is nothing to tell apart."""
    classes = int(labels.max()) + 1
    if len(np.unique(labels)) < 2:
        raise ValueError(f"the training images have {len(np.unique(labels))} class; wanted: at least 2")
    return {"entry": model, "label": label, "shape": list(images.shape[1:]), "classes": classes}


def untrained(told: dict, images: np.ndarray, seed: int) -> Classifier:
    network = classifier.build(told["entry"], told["label"], tuple(told["shape"]), told["classes"], seed)
    layer = told["entry"].get("layer")
    shape = tuple(told["shape"])
    layer = layers.checked(network, shape, layer) if layer else layers.feature_layer(network, shape)
    mean, deviation = training.statistics(images)
    device = devices.best()
    return Classifier(network.to(device), mean.to(device), deviation.to(device), layer)


def recipe(label: str, entry: dict) -> Callable[..., torch.Tensor]:
    return partial(registry.load("recipes", label, entry).loss, **entry["options"])


def fit(
    images: np.ndarray, labels: np.ndarray, told: dict, loss: Callable, seed: int | str, settings: dict
) -> tuple[Source, np.ndarray]:
    """Train a new network from SEED on IMAGES (bytes); gives it with its images, and its curve of losses."""
    source = source_of(untrained(told, images, seeds.derive("weights", seed)), images, labels)
    return source, training.train(source, loss, seed=seed, **settings)


def source_of(model: Classifier, images: np.ndarray, labels: np.ndarray) -> Source:
    device = model.mean.device
    return Source(model, torch.from_numpy(images).to(device), torch.from_numpy(labels).to(device).long())
