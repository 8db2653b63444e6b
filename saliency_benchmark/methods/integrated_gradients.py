"""Integrated gradients (Sundararajan et al., 2017, eq. 1) from the mean colour, by captum.

captum's default is Gauss-Legendre quadrature with 50 steps; other libraries use left or right sums, or 20 to 25 steps.
"""

import torch
from captum.attr import IntegratedGradients
from torch import nn

GROUP = "backpropagation"
CHUNK = 64  # images x steps that are on the device at a time


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, steps: int = 32, rule: str = "gausslegendre"
) -> torch.Tensor:
    """RULE: gausslegendre, riemann_trapezoid, riemann_left, riemann_right or riemann_middle."""
    method = IntegratedGradients(model)
    size = max(CHUNK, len(images))
    maps = method.attribute(images, 0.0, targets, n_steps=steps, method=rule, internal_batch_size=size)
    # captum's weights of this rule sum to (steps - 1) / steps: without this no map would complete.
    return maps * steps / (steps - 1) if rule == "riemann_trapezoid" else maps
