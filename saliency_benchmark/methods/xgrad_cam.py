"""XGrad-CAM: gradients weighted by each cell's share of its feature map (Fu et al., 2020, eq. 8)."""

import torch
from torch import nn

from saliency_benchmark.explaining import cams

GROUP = "cam"
outputs = cams.outputs


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> torch.Tensor:
    features, gradient = cams.read(model, images, targets, layer)
    total = features.sum((2, 3), keepdim=True)
    share = torch.where(total != 0, features / torch.where(total != 0, total, 1), 0)
    return cams.draw(cams.weighted(features, (share * gradient).sum((2, 3)), relu), images)
