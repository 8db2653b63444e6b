"""Grad-CAM (Selvaraju et al., 2017, eq. 1 and 2) at the last feature map, drawn bilinearly, by captum.

Not normalised. `relu: false` keeps the sign; pytorch-grad-cam scales every map to [0, 1].
"""

import torch
from captum.attr import LayerGradCam
from torch import nn
from torch.nn import functional

GROUP = "cam"


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> torch.Tensor:
    cam = LayerGradCam(model, model.get_submodule(layer)).attribute(images, targets, relu_attributions=relu)
    return functional.interpolate(cam, images.shape[2:], mode="bilinear", align_corners=False)[:, 0]
