"""Grad-CAM++: each cell's positive gradient counts by its share (Chattopadhay et al., 2018, eq. 5, 10 and 19).

The second and third derivatives are powers of the first, as for an exponential of the logit (their section 3.2).
"""

import torch
from torch import nn

from saliency_benchmark.explaining import cams

GROUP = "cam"
outputs = cams.outputs


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> torch.Tensor:
    features, gradient = cams.read(model, images, targets, layer)
    scale = 2 * gradient**2 + features.sum((2, 3), keepdim=True) * gradient**3
    share = torch.where(scale != 0, gradient**2 / torch.where(scale != 0, scale, 1), 0)
    return cams.draw(cams.weighted(features, (share * gradient.relu()).sum((2, 3)), relu), images)
