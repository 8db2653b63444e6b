"""Try on one random image whether a method's law holds for a network, before any job runs."""

from copy import deepcopy

import torch
from torch import nn

from saliency_benchmark import noise

# In double precision rounding takes less of a sum of this magnitude from it, however deep the network.
ROUNDING = 1e-9


def case(model: nn.Module, shape: tuple[int, int, int]) -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    """A copy of MODEL in double precision, one image (1, *SHAPE) of normal noise, and its target, class 0.

    Double precision tells a law that does not hold from rounding; MODEL stays as it is.
    """
    network = deepcopy(model).double()
    device = next(network.parameters()).device
    image = torch.randn(1, *shape, generator=noise.generator("trial"), dtype=torch.float64).to(device)
    return network, image, torch.zeros(1, dtype=torch.long, device=device)


def holds(found: torch.Tensor, expected: torch.Tensor, magnitude: torch.Tensor) -> bool:
    """Does the sum FOUND equal EXPECTED but for rounding, where its parts' magnitudes sum to MAGNITUDE?"""
    return bool((found - expected).abs().sum() <= ROUNDING * magnitude.sum())
