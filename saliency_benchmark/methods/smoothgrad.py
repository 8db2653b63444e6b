"""SmoothGrad: mean of the signed gradients of noisy copies (Smilkov et al., 2017).

The noise's deviation is a share of each image's own range; every sample is noisy. captum averages magnitudes unless
told otherwise, and its noise is absolute.
"""

from collections.abc import Callable

import torch
from torch import nn

from saliency_benchmark.explaining import ensembles

GROUP = "backpropagation"
ALSO = "recent"
SOFT = True
unsuited = ensembles.unsuited


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    given: dict | None = None,
    base: str = "gradient",
    base_options: dict | None = None,
    samples: int = 15,
    noise: float = 0.15,
    seed: int = 0,
) -> torch.Tensor:
    """BASE: the method whose maps are taken, by its name in methods/, with its defaults or BASE_OPTIONS."""
    chance = {"samples": samples, "noise": noise, "seed": seed}
    return ensembles.moments(model, images, targets, given, base=base, base_options=base_options, **chance)["mean"]


def live(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    samples: int = 15,
    noise: float = 0.15,
    seed: int = 0,
) -> list[Callable[[], torch.Tensor]]:
    """Of the gradient alone, not of other bases."""
    return ensembles.mean_live(model, images, targets, samples, noise, seed)
