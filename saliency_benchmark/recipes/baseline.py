"""Cross entropy on the images as they are."""

import torch
from torch import nn
from torch.nn import functional


def loss(
    network: nn.Module,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    generator: torch.Generator,
    smoothing: float = 0.0,
) -> torch.Tensor:
    """SMOOTHING of the target's mass lies evenly on all classes (Szegedy et al., 2016)."""
    return functional.cross_entropy(network(inputs), labels, label_smoothing=smoothing)


def stackable(**options: object) -> bool:
    return True
