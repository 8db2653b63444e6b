"""Control: a Gaussian in the middle of the image, where photographers put things; looks at nothing."""

import torch
from torch import nn

GROUP = "controls"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, width: float = 0.25) -> torch.Tensor:
    """WIDTH: the deviation, as a share of the image's height and width."""
    axes = [torch.linspace(-0.5, 0.5, length, device=images.device) / width for length in images.shape[2:]]
    blob = torch.exp(-(axes[0][:, None] ** 2 + axes[1][None] ** 2) / 2)
    return blob.expand(len(images), *blob.shape).clone()
