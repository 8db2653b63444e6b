"""LRP, EpsilonPlus: epsilon rule in dense layers, z+ rule in convolutions (Montavon et al., 2019).

Our own z+ pass: zennit's map, in less than half its time (benchmarks/attribution.py).
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from saliency_benchmark.explaining import live_relevance, relevance
from saliency_benchmark.explaining.relevance_rules import Epsilon, Plus

GROUP = "backpropagation"
total, unsuited = relevance.total, relevance.unsuited


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, epsilon: float = 1e-6) -> torch.Tensor:
    return relevance.propagate(model, images, targets, _composite(epsilon))


def live(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, epsilon: float = 1e-6
) -> list[Callable[[], torch.Tensor]]:
    return [partial(live_relevance.propagate, model, images, targets, _composite(epsilon))]


def outputs(model: nn.Module, images: torch.Tensor, *, epsilon: float = 1e-6) -> torch.Tensor:
    return relevance.outputs(model, images, _composite(epsilon))


def _composite(epsilon: float) -> relevance.Composite:
    return relevance.Composite(Plus(), Epsilon(epsilon))
