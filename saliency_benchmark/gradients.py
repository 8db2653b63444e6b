"""Gradients of logits with respect to images: shared by every method that needs them."""

import torch
from torch import nn


def gradient(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Gradient of each image's target logit, signed, (image, channel, row, column)."""
    images = images.detach().requires_grad_(True)
    logits = model(images).gather(1, targets[:, None])
    return torch.autograd.grad(logits.sum(), images)[0]
