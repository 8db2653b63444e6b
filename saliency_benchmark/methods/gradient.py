"""Gradient of the target's logit, signed, per channel (Simonyan et al., 2014; there its magnitude is shown)."""

import torch
from torch import nn

from saliency_benchmark import gradients

GROUP = "backpropagation"
outputs = gradients.outputs


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return gradients.gradient(model, images, targets)
