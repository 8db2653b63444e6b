"""Eigen-Grad-CAM: feature maps times their gradients, projected on their first principal direction.

Eigen-CAM (Muhammad and Yeasin, 2020) made to look at the class, as pytorch-grad-cam defines it; the sign agrees with
the sum of the products, while there it is arbitrary.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import cams

GROUP = "cam"
outputs = cams.outputs


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str) -> torch.Tensor:
    features, gradient = cams.read(model, images, targets, layer)
    return cams.draw(cams.principal(features * gradient), images)
