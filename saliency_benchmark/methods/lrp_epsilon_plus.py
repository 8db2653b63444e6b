"""LRP, EpsilonPlus: epsilon rule in dense layers, z+ rule in convolutions (Montavon et al., 2019)."""

import torch
from torch import nn

from saliency_benchmark import relevance

GROUP = "backpropagation"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, epsilon: float = 1e-6) -> torch.Tensor:
    return relevance.propagate(model, images, targets, "EpsilonPlus", epsilon=epsilon)
