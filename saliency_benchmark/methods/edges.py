"""Control: edges at a chosen scale, the gradient magnitude of the smoothed image (after Canny, 1986).

It looks at the image alone. Against `sobel`, which sees the finest edges, this one sees contours SIGMA pixels wide.
scipy's gaussian_gradient_magnitude with mode "nearest" gives the same.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import filters

GROUP = "controls"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, sigma: float = 2.0) -> torch.Tensor:
    """Magnitude of the gradient of a Gaussian (deviation SIGMA pixels, cut at 4) of the mean over the channels.

    The border repeats the outermost pixels. Raises ValueError unless SIGMA is positive.
    """
    place, smooth = filters.bell(sigma, images)
    slope, grey = smooth * place / sigma**2, images.mean(1, keepdim=True)
    down, right = filters.separable(grey, slope, smooth), filters.separable(grey, smooth, slope)
    return (down.square() + right.square()).sqrt()[:, 0]
