"""Excitation backprop: the z+ rule in every layer (Zhang et al., 2018).

Positive biases count as contributions, as in zennit; `bias: false` leaves them out, as in the paper's equation 10.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import relevance
from saliency_benchmark.explaining.relevance_rules import Plus

GROUP = "backpropagation"
total, unsuited = relevance.total, relevance.unsuited


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, bias: bool = True) -> torch.Tensor:
    rule = Plus(bias=bias)
    return relevance.propagate(model, images, targets, relevance.Composite(rule, rule))
