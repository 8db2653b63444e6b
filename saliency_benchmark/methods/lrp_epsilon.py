"""LRP: epsilon rule in every layer (Bach et al., 2015, eq. 58).

Without biases and with epsilon near 0 it is input times gradient divided by the output (Ancona et al., 2018).
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from saliency_benchmark.explaining import live_relevance, relevance
from saliency_benchmark.explaining.relevance_rules import Epsilon

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
    return relevance.Composite(Epsilon(epsilon), Epsilon(epsilon))
