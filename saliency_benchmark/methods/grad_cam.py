"""Grad-CAM (Selvaraju et al., 2017, eq. 1 and 2) at the last feature map, drawn bilinearly.

Not normalised. `relu: false` keeps the sign; pytorch-grad-cam scales every map to [0, 1].
"""

from collections.abc import Callable

import torch
from torch import nn

from saliency_benchmark.explaining import cams

GROUP = "cam"
SOFT = True
outputs = cams.outputs


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> torch.Tensor:
    return _drawn(*cams.read(model, images, targets, layer), images, relu)


def live(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> list[Callable[[], torch.Tensor]]:
    return [lambda: _drawn(*cams.live(model, images, targets, layer), images, relu)]


def _drawn(features: torch.Tensor, gradient: torch.Tensor, images: torch.Tensor, relu: bool) -> torch.Tensor:
    return cams.draw(cams.weighted(features, gradient.mean((2, 3)), relu), images)
