"""Input times gradient (Shrikumar et al., 2016); the input is what the network sees, after normalisation."""

from collections.abc import Callable

import torch
from torch import nn

from saliency_benchmark import gradients

GROUP = "backpropagation"
SOFT = True
outputs = gradients.outputs


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return images * gradients.gradient(model, images, targets)


def live(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> list[Callable[[], torch.Tensor]]:
    return [lambda: images * gradients.live(model, images, targets)]
