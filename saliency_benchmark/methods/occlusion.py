"""Occlusion: the drop of the target's logit when a window is hidden (Zeiler and Fergus, 2014), by captum.

The window shows the mean colour and is credited with the drop; another library shows only the window instead. The
window moves by its own width, so every pixel is hidden once.
"""

import torch
from captum.attr import Occlusion
from torch import nn

GROUP = "perturbation"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, window: int = 4) -> torch.Tensor:
    size = (images.shape[1], min(window, images.shape[2]), min(window, images.shape[3]))
    return Occlusion(model).attribute(images, size, size, 0.0, targets)[:, 0]
