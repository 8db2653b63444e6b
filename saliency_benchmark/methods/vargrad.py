"""VarGrad: variance of the gradients of noisy copies (Adebayo et al., 2018b; divided by the number of samples)."""

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
    mean = scatter = torch.zeros(())
    # Welford's update: no difference of two large numbers, one copy in memory.
    for number, one in enumerate(maps, 1):
        step = one - mean
        mean = mean + step / number
        scatter = scatter + step * (one - mean)
    return scatter / samples
