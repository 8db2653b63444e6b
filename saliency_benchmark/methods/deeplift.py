"""DeepLIFT with the rescale rule (Shrikumar et al., 2017, eq. 9 to 12): differences from a baseline, exactly.

Signed; default: from the mean colour. The map sums to f(image) - f(baseline). Products, softmax, attention and layer
norms, of which the paper says nothing, are taken apart into steps whose rules are exact (rescale_rules). It works on
calls, so that ReLUs may be functional or reused. captum cannot reuse a module, passes plain gradients at functional
ReLUs, and loses part of the sum where max pooling comes directly behind a ReLU or its windows overlap.
"""

import torch
from torch import nn

from saliency_benchmark import batching
from saliency_benchmark.explaining import baselines, paths, rescale, trial

GROUP = "backpropagation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    white: torch.Tensor | None = None,
    baseline: str = "mean",
) -> torch.Tensor:
    """BASELINE: mean, black, white, image_mean or blur. Two forward passes and a backward pass."""
    begin = baselines.baseline(baseline, images, black, white)
    size = max(1, batching.rows() // 2)  # each image beside its baseline
    parts = zip(images.split(size), targets.split(size), begin.split(size), strict=True)
    return torch.cat([(part - zero) * rescale.multipliers(model, part, chosen, zero) for part, chosen, zero in parts])


def total(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    white: torch.Tensor | None = None,
    baseline: str = "mean",
) -> torch.Tensor:
    """f(image) - f(baseline)."""
    return paths.gain(model, images, targets, baselines.baseline(baseline, images, black, white))


def unsuited(model: nn.Module, shape: tuple[int, int, int]) -> str | None:
    """Why MODEL cannot be explained, or None: on a random image its map does not sum to what it should."""
    network, image, target = trial.case(model, shape)
    maps = attribute(network, image, target)
    if trial.holds(maps.sum(), total(network, image, target), maps.abs()):
        return None
    return "its forward pass has a non-linear step that DeepLIFT has no rule for: use integrated_gradients"
