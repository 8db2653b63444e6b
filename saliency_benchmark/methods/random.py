"""Control: uniform noise that looks at neither the model nor what is in the image; fixed per image."""

import torch
from torch import nn

from saliency_benchmark import noise

GROUP = "controls"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, seed: int = 0) -> torch.Tensor:
    generators = noise.per_image(images, "random", seed)
    return torch.stack([torch.rand(images.shape[2:], generator=each) for each in generators]).to(images.device)
