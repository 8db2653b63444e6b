"""CAM: feature maps weighted by the class's row of the last linear layer (Zhou et al., 2016, eq. 2); signed.

Only for networks whose last feature map is averaged and then classified by one linear layer.
"""

import torch
from torch import nn

from saliency_benchmark import cams

GROUP = "cam"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str) -> torch.Tensor:
    features, _ = cams.read(model, images, targets, layer)
    heads = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not heads or heads[-1].in_features != features.shape[1]:
        raise ValueError("CAM wants global average pooling and one linear layer behind the feature map; take grad_cam")
    return cams.draw(cams.weighted(features, heads[-1].weight[targets].detach(), relu=False), images)
