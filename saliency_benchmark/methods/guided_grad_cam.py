"""Guided Grad-CAM: guided backpropagation times Grad-CAM (Selvaraju et al., 2017, section 3.2).

Signed as guided backpropagation is; Grad-CAM is drawn bilinearly with its ReLU. A model that calls no ReLU is refused.
"""

import torch
from torch import nn

from saliency_benchmark.methods import grad_cam, guided_backprop

GROUP = "backpropagation"
unsuited = guided_backprop.unsuited


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str) -> torch.Tensor:
    fine = guided_backprop.attribute(model, images, targets)
    return fine * grad_cam.attribute(model, images, targets, layer=layer)[:, None]
