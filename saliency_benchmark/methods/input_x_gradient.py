"""Input times gradient (Shrikumar et al., 2016); the input is what the network sees, after normalisation."""

import torch
from torch import nn

from saliency_benchmark import gradients

GROUP = "backpropagation"
outputs = gradients.outputs


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return images * gradients.gradient(model, images, targets)
