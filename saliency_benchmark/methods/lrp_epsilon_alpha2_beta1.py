"""LRP: epsilon rule in dense layers, alpha 2 beta 1 in convolutions (Bach et al., 2015, eq. 60)."""

import torch
from torch import nn

from saliency_benchmark.explaining import relevance
from saliency_benchmark.explaining.relevance_rules import AlphaBeta, Epsilon

GROUP = "backpropagation"
total, unsuited = relevance.total, relevance.unsuited


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, epsilon: float = 1e-6) -> torch.Tensor:
    return relevance.propagate(model, images, targets, relevance.Composite(AlphaBeta(), Epsilon(epsilon)))
