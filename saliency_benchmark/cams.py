"""Class activation maps: what all of them read at one layer, and how their cells become an image."""

import torch
from torch import nn
from torch.nn import functional


def read(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, layer: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Feature maps at LAYER and the gradient of each target logit there, both (image, feature, row, column)."""
    found: list[torch.Tensor] = []
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: found.append(output))
    try:
        logits = model(images.detach().requires_grad_(True))
    finally:
        handle.remove()
    gradient = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), found[0])[0]
    return found[0].detach(), gradient


def draw(cells: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Cells (image, row, column) drawn bilinearly at the images' size; not normalised."""
    return functional.interpolate(cells[:, None], images.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def weighted(features: torch.Tensor, weights: torch.Tensor, relu: bool) -> torch.Tensor:
    """Sum of the feature maps with one weight each: (image, feature, row, column), (image, feature) -> cells."""
    cells = (features * weights[:, :, None, None]).sum(1)
    return cells.relu() if relu else cells
