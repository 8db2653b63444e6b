"""LRP, EpsilonGammaBox: epsilon rule in dense layers, gamma rule in convolutions, box rule in the first layer.

Montavon et al., 2019, with gamma 0.25; the box of possible values, black to white, is that of the images as the network
sees them (Montavon et al., 2017, eq. 15). The box rule is zennit's.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import relevance
from saliency_benchmark.explaining.relevance_rules import Epsilon, Gamma
from saliency_benchmark.explaining.zennit_rules import Zennit

GROUP = "backpropagation"
total, unsuited = relevance.total, relevance.unsuited


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor,
    white: torch.Tensor,
    epsilon: float = 1e-6,
    gamma: float = 0.25,
) -> torch.Tensor:
    low, high = (colour[None, :, None, None] for colour in (black, white))
    first = Zennit("ZBox", (("low", low), ("high", high)))
    return relevance.propagate(model, images, targets, relevance.Composite(Gamma(gamma), Epsilon(epsilon), first))
