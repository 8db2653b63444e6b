"""VarGrad: variance of the gradients of noisy copies (Adebayo et al., 2018b; divided by the number of samples)."""

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
    mean, scatter = torch.zeros_like(images), torch.zeros_like(images)
    # Welford's update: no difference of two large numbers, one copy in memory.
    for number, copy in enumerate(gradients.noisy(gradients.gradient, model, images, targets, samples, noise, seed), 1):
        step = copy - mean
        mean = mean + step / number
        scatter = scatter + step * (copy - mean)
    return scatter / samples
