"""Methods made of another method's maps: of noisy copies of the image, or of a single map."""

import inspect
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import nn

from saliency_benchmark import gradients, registry
from saliency_benchmark import noise as chance


def base_method(name: str, layer: str) -> Callable:
    """The method NAME of methods/ with its defaults, as a function of model, images and targets."""
    if name == "gradient":
        return gradients.gradient
    attribute = registry.load("methods", name, {}).attribute
    return partial(attribute, layer=layer) if "layer" in inspect.signature(attribute).parameters else attribute


def noisy(
    base: Callable, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, samples: int, noise: float, seed: int
) -> Iterator[torch.Tensor]:
    """Maps of SAMPLES noisy copies; the noise's deviation is NOISE times each image's own range (max - min)."""
    spread = noise * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
    generators = chance.per_image(images, "noise", seed)
    for _ in range(samples):
        yield base(model, images + spread * chance.normal(images, generators), targets)
