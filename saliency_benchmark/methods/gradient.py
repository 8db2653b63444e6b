"""Gradient of the target's logit, signed, per channel (Simonyan et al., 2014; there its magnitude is shown)."""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from saliency_benchmark import gradients

GROUP = "backpropagation"
SOFT = True
outputs = gradients.outputs


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return gradients.gradient(model, images, targets)


def live(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> list[Callable[[], torch.Tensor]]:
    return [partial(gradients.live, model, images, targets)]
