"""Layer-CAM: every cell weighted by its own positive gradient (Jiang et al., 2021, eq. 6 and 7)."""

import torch
from torch import nn

from saliency_benchmark.explaining import cams

GROUP = "cam"
outputs = cams.outputs


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str) -> torch.Tensor:
    features, gradient = cams.read(model, images, targets, layer)
    return cams.draw((gradient.relu() * features).sum(1).relu(), images)
