"""Control: edges at a chosen scale, the gradient magnitude of the smoothed image (after Canny, 1986).

It looks at the image alone. Against `sobel`, which sees the finest edges, this one sees contours SIGMA pixels wide.
scipy's gaussian_gradient_magnitude with mode "nearest" gives the same.
"""

import torch
from torch import nn
from torch.nn import functional

GROUP = "controls"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, sigma: float = 2.0) -> torch.Tensor:
    """Magnitude of the gradient of a Gaussian (deviation SIGMA pixels, cut at 4) of the mean over the channels.

    The border repeats the outermost pixels. Raises ValueError unless SIGMA is positive.
    """
    if sigma <= 0:
        raise ValueError(f"sigma {sigma}; wanted: a positive number of pixels")
    radius = int(4 * sigma + 0.5)
    place = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    smooth = torch.exp(-((place / sigma) ** 2) / 2)
    smooth /= smooth.sum()
    slope = smooth * place / sigma**2
    grey = functional.pad(images.mean(1, keepdim=True), (radius,) * 4, mode="replicate")
    down = _separable(grey, slope, smooth)
    right = _separable(grey, smooth, slope)
    return (down.square() + right.square()).sqrt()[:, 0]


def _separable(grey: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    return functional.conv2d(functional.conv2d(grey, rows[None, None, :, None]), columns[None, None, None])
