"""LRP, EpsilonPlusFlat: as EpsilonPlus, and the first layer spreads relevance evenly (Lapuschkin et al., 2019).

The flat rule is zennit's.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import relevance
from saliency_benchmark.explaining.relevance_rules import Epsilon, Plus
from saliency_benchmark.explaining.zennit_rules import Zennit

GROUP = "backpropagation"
total, unsuited = relevance.total, relevance.unsuited


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, epsilon: float = 1e-6) -> torch.Tensor:
    return relevance.propagate(model, images, targets, _composite(epsilon))


def outputs(model: nn.Module, images: torch.Tensor, *, epsilon: float = 1e-6) -> torch.Tensor:
    return relevance.outputs(model, images, _composite(epsilon))


def _composite(epsilon: float) -> relevance.Composite:
    return relevance.Composite(Plus(), Epsilon(epsilon), Zennit("Flat"))
