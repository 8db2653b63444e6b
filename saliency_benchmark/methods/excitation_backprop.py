"""Excitation backprop: the z+ rule in every layer (Zhang et al., 2018)."""

import torch
from torch import nn

from saliency_benchmark import relevance

GROUP = "backpropagation"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return relevance.propagate(model, images, targets, "ExcitationBackprop")
