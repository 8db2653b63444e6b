"""AttnLRP: relevance through attention, softmax included (Achtibat et al., 2024, eq. 8 to 15).

Products of attention give each factor half, softmax shares by its gradient, normalisations keep their deviation
constant, GELU passes relevance on. Convolutions and dense layers follow the gamma rule, or the epsilon rule
where gamma is 0. `attention: constant` leaves the attention weights out (Ali et al., 2022), as the lxt library does on
torchvision's ViT. Works on networks without attention too.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import relevance
from saliency_benchmark.explaining.relevance_rules import Epsilon, Gamma, Rule

GROUP = "attention"
total, unsuited = relevance.total, relevance.unsuited


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    convolution_gamma: float = 0.25,
    dense_gamma: float = 0.05,
    attention: str = "shared",
    epsilon: float = 1e-6,
) -> torch.Tensor:
    """ATTENTION: shared (its weights have relevance of their own) or constant."""
    if attention not in ("shared", "constant"):
        raise ValueError(f"attention is {attention!r}; wanted: shared or constant")
    rules = [_rule(gamma, epsilon) for gamma in (convolution_gamma, dense_gamma)]
    composite = relevance.Composite(*rules, constant_attention=attention == "constant")
    return relevance.propagate(model, images, targets, composite)


def _rule(gamma: float, epsilon: float) -> Rule:
    return Gamma(gamma) if gamma else Epsilon(epsilon)
