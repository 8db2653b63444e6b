"""Gradients by the weights of what depends on a map, the sum of parts: exact, with the graph of one part at a time."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from saliency_benchmark import gradients, sharing

Parts = list[Callable[[], torch.Tensor]]
Gradients = list[torch.Tensor | None]


def whole(parts: Parts) -> torch.Tensor:
    """The map that PARTS sum to, without a graph."""
    return sum(part().detach() for part in parts)


def slopes(
    parts: Parts, criterion: Callable[[torch.Tensor], torch.Tensor], parameters: Sequence[torch.Tensor]
) -> tuple[Gradients, torch.Tensor]:
    """Gradients of CRITERION(map) by PARAMETERS, and the map, the sum of PARTS; the graph of one part at a time.

    With several parts the map is made first, without a graph: the gradient of the criterion by the map is then a
    constant, and each part's own gradient is that constant times the part's.
    """
    if len(parts) == 1:
        maps = parts[0]()
        return list(torch.autograd.grad(criterion(maps), parameters, allow_unused=True)), maps.detach()
    maps = whole(parts).requires_grad_(True)
    (above,) = torch.autograd.grad(criterion(maps), maps)
    total: Gradients = [None] * len(parameters)
    for part in parts:
        total = added(total, torch.autograd.grad(part(), parameters, above, allow_unused=True))
    return total, maps.detach()


class Passed(nn.Module):
    """NETWORK, but what an explanation's pass over the same images has given is given again."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return gradients.passed(self.network, images)


def in_one_pass(
    part: Callable[[], torch.Tensor],
    classification: Callable[[nn.Module], torch.Tensor],
    criterion: Callable[[torch.Tensor], torch.Tensor],
    network: nn.Module,
    parameters: Sequence[torch.Tensor],
) -> tuple[Gradients, torch.Tensor, torch.Tensor]:
    """Gradients of CLASSIFICATION(network) + CRITERION(map) by PARAMETERS, the first's value, and the map of PART.

    Both are read from one forward pass and gone back through together, where the map's method passes the images as
    they are; where it does not, the classification has a pass of its own.
    """
    with sharing.shared():
        maps = part()
        value = classification(Passed(network))
    found = torch.autograd.grad(value + criterion(maps), parameters, allow_unused=True)
    return list(found), value.detach(), maps.detach()


def added(total: Gradients, more: Sequence[torch.Tensor | None], factor: float = 1.0) -> Gradients:
    """TOTAL plus FACTOR times MORE; None is no gradient."""
    sums: Gradients = []
    for one, other in zip(total, more, strict=True):
        both = one is not None and other is not None
        sums.append(one.add(other, alpha=factor) if both else one if other is None else other * factor)
    return sums
