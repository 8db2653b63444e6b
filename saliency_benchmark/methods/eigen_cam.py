"""Eigen-CAM: the feature maps projected on their first principal direction (Muhammad and Yeasin, 2020).

It looks at no class. Not centred, as in the paper; the sign agrees with the sum of the feature maps, while
pytorch-grad-cam's is arbitrary.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import cams

GROUP = "cam"
outputs = cams.outputs


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str) -> torch.Tensor:
    features, _ = cams.read(model, images, targets, layer)
    return cams.draw(cams.principal(features), images)
