"""Gradients of logits with respect to images: shared by every method that needs them."""

from collections.abc import Callable, Iterator

import torch
from torch import nn

from saliency_benchmark import noise as chance


def gradient(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Gradient of each image's target logit, signed, (image, channel, row, column)."""
    images = images.detach().requires_grad_(True)
    logits = model(images).gather(1, targets[:, None])
    return torch.autograd.grad(logits.sum(), images)[0]


def noisy(
    base: Callable, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, samples: int, noise: float, seed: int
) -> Iterator[torch.Tensor]:
    """Maps of SAMPLES noisy copies; the noise's deviation is NOISE times each image's own range (max - min)."""
    spread = noise * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
    generators = chance.per_image(images, "noise", seed)
    for _ in range(samples):
        yield base(model, images + spread * chance.normal(images, generators), targets)
