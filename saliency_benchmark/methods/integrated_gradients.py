"""Integrated gradients (Sundararajan et al., 2017, eq. 1): (image - baseline) times the mean gradient between them.

Signed; default: 32 Gauss-Legendre steps from the mean colour. captum's default is 50 such steps, and its trapezoid
weights sum to (steps - 1) / steps; other libraries use left or right sums, or 20 to 25 steps. The baseline decides what
can be salient: pixels of the baseline's colour never are.
"""

from collections.abc import Callable

import torch
from torch import nn

from saliency_benchmark.explaining import baselines, paths

GROUP = "backpropagation"
SOFT = True


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    white: torch.Tensor | None = None,
    steps: int = 32,
    rule: str = "gausslegendre",
    baseline: str = "mean",
) -> torch.Tensor:
    """RULE: gausslegendre, riemann_trapezoid, riemann_left, riemann_right or riemann_middle.

    BASELINE: mean, black, white, image_mean or blur. One forward and backward pass per step.
    """
    begin = baselines.baseline(baseline, images, black, white)
    return paths.integrated(model, images, targets, begin, rule, steps)


def live(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    white: torch.Tensor | None = None,
    steps: int = 32,
    rule: str = "gausslegendre",
    baseline: str = "mean",
) -> list[Callable[[], torch.Tensor]]:
    begin = baselines.baseline(baseline, images, black, white)
    return paths.integrated_live(model, images, targets, begin, rule, steps)


def total(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    white: torch.Tensor | None = None,
    baseline: str = "mean",
) -> torch.Tensor:
    """f(image) - f(baseline): reached as steps grow (the paper's proposition 1)."""
    return paths.gain(model, images, targets, baselines.baseline(baseline, images, black, white))
