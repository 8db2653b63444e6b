"""SQ: the square of another method's single map, without noise (Hooker et al., 2019, section 4.3)."""

import torch
from torch import nn

from saliency_benchmark.explaining import ensembles

GROUP = "backpropagation"
unsuited = ensembles.unsuited


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    given: dict | None = None,
    base: str = "gradient",
    base_options: dict | None = None,
) -> torch.Tensor:
    """BASE: the method whose map is squared, by its name in methods/, with its defaults or BASE_OPTIONS."""
    return ensembles.base_method(base, given, base_options)(model, images, targets) ** 2
