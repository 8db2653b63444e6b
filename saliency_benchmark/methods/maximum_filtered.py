"""Another method's map after a maximum filter: a test of metrics for blur bias (Song et al., 2023, arXiv 2304.13836).

The filter looks at neither model nor image, so it adds no information: a metric by which this map is the better one
rewards patches. It stands among the controls, and so in no ranking of the methods themselves.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import ensembles, filters

GROUP = "controls"
unsuited = ensembles.unsuited


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    given: dict | None = None,
    base: str = "gradient",
    base_options: dict | None = None,
    width: int = 3,
) -> torch.Tensor:
    """BASE: the method whose signed map is filtered, each channel by itself, with its defaults or BASE_OPTIONS.

    WIDTH: side of the window in pixels, odd; at the border it holds the pixels that there are. Raises ValueError where
    WIDTH is not odd.
    """
    return filters.maximum(ensembles.base_method(base, given, base_options)(model, images, targets), width)
