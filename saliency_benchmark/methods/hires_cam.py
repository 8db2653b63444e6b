"""HiResCAM: the product of feature maps and their gradients, summed over the features (Draelos and Carin, 2020, eq. 3).

Not averaged over the cells before, so the cells' sum is the logit, less its bias, behind a linear head. Signed by
default, as in the paper; pytorch-grad-cam clips and scales it.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import cams

GROUP = "cam"
outputs = cams.outputs


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = False
) -> torch.Tensor:
    features, gradient = cams.read(model, images, targets, layer)
    cells = (features * gradient).sum(1)
    return cams.draw(cells.relu() if relu else cells, images)
