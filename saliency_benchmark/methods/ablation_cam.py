"""Ablation-CAM: a feature map weighs as much as the logit drops without it (Ramaswamy et al., 2020, eq. 5).

The weight is (logit - logit without the map) / |logit|: the share keeps its sign where the logit is negative.
"""

import torch
from torch import nn

from saliency_benchmark import cams, layers

GROUP = "cam"


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> torch.Tensor:
    """One forward pass per feature map."""
    features, _ = cams.read(model, images, targets, layer)
    with torch.no_grad():
        logit = model(images).gather(1, targets[:, None])
        without = [_logit_without(model, images, targets, layer, place) for place in range(features.shape[1])]
    weights = (logit - torch.cat(without, 1)) / logit.abs().clamp_min(torch.finfo(logit.dtype).tiny)
    return cams.draw(cams.weighted(features, weights, relu), images)


def _logit_without(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, layer: str, place: int
) -> torch.Tensor:
    layout = layers.layout(model, layer, images)

    def remove(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        return layout.without(output, torch.tensor(place, device=output.device))

    handle = model.get_submodule(layer).register_forward_hook(remove)
    try:
        return model(images).gather(1, targets[:, None])
    finally:
        handle.remove()
