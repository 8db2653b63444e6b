"""Another method's map after a Gaussian filter: a test of metrics for blur bias (Song et al., 2023, arXiv 2304.13836).

The filter looks at neither model nor image, so it adds no information: a metric by which this map is the better one
rewards blur. It stands among the controls, and so in no ranking of the methods themselves.
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
    sigma: float = 1.0,
) -> torch.Tensor:
    """BASE: the method whose signed map is filtered, each channel by itself, with its defaults or BASE_OPTIONS.

    SIGMA: deviation in pixels; the filter is cut at 4 deviations, and the border repeats the outermost pixels. Raises
    ValueError unless SIGMA is positive.
    """
    return filters.gaussian(ensembles.base_method(base, given, base_options)(model, images, targets), sigma)
