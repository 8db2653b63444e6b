"""Eigen-CAM: the feature maps projected on their first principal direction (Muhammad and Yeasin, 2020).

It looks at no class. The direction's sign is arbitrary: here it agrees with the sum of the feature maps. Not centred,
as in the paper.
"""

import torch
from torch import nn

from saliency_benchmark import cams

GROUP = "cam"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str) -> torch.Tensor:
    features, _ = cams.read(model, images, targets, layer)
    cells = features.flatten(2).transpose(1, 2).double()  # (image, cell, feature)
    # The smaller Gram matrix has the same projection as a full decomposition, for a fraction of the work.
    if cells.shape[1] <= cells.shape[2]:
        values, vectors = torch.linalg.eigh(cells @ cells.transpose(1, 2))
        projected = vectors[:, :, -1] * values[:, -1:].clamp_min(0).sqrt()
    else:
        projected = (cells @ torch.linalg.eigh(cells.transpose(1, 2) @ cells)[1][:, :, -1:])[:, :, 0]
    sign = torch.where((projected * cells.sum(2)).sum(1, keepdim=True) < 0, -1.0, 1.0)
    return cams.draw((projected * sign).unflatten(1, features.shape[2:]).float(), images)
