"""SmoothGrad-squared: mean of the squared gradients of noisy copies (Hooker et al., 2019, section 4.2.3)."""

import torch
from torch import nn

from saliency_benchmark import gradients

GROUP = "backpropagation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    samples: int = 15,
    noise: float = 0.15,
    seed: int = 0,
) -> torch.Tensor:
    copies = gradients.noisy(gradients.gradient, model, images, targets, samples, noise, seed)
    return sum(copy**2 for copy in copies) / samples
