"""SmoothGrad-squared: mean of the squared gradients of noisy copies (Hooker et al., 2019, section 4.2.3)."""

import torch
from torch import nn

from saliency_benchmark import ensembles

GROUP = "backpropagation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    layer: str = "",
    base: str = "gradient",
    samples: int = 15,
    noise: float = 0.15,
    seed: int = 0,
) -> torch.Tensor:
    """BASE: the method whose maps are taken, by its name in methods/, with its defaults."""
    maps = ensembles.noisy(ensembles.base_method(base, layer), model, images, targets, samples, noise, seed)
    return sum(one**2 for one in maps) / samples
