"""Filters of images and maps, (image, channel, row, column), each channel by itself; the border repeats its pixels."""

import torch
from torch.nn import functional


def bell(sigma: float, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Places from the middle in pixels, and a Gaussian of deviation SIGMA there, cut at 4 deviations, of sum 1.

    On the device and of the type of LIKE. Raises ValueError unless SIGMA is positive.
    """
    if sigma <= 0:
        raise ValueError(f"sigma {sigma}; wanted: a positive number of pixels")
    radius = int(4 * sigma + 0.5)
    place = torch.arange(-radius, radius + 1, device=like.device, dtype=like.dtype)
    weights = torch.exp(-((place / sigma) ** 2) / 2)
    return place, weights / weights.sum()


def separable(images: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
    """Correlation with the weights ROWS down and COLUMNS across, both of one odd length."""
    planes = images.reshape(-1, 1, *images.shape[-2:])
    padded = functional.pad(planes, (len(rows) // 2,) * 4, mode="replicate")
    found = functional.conv2d(functional.conv2d(padded, rows[None, None, :, None]), columns[None, None, None])
    return found.reshape(images.shape)


def gaussian(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """scipy's gaussian_filter with mode "nearest" gives the same."""
    _, weights = bell(sigma, images)
    return separable(images, weights, weights)


def maximum(images: torch.Tensor, width: int) -> torch.Tensor:
    """The highest value of the WIDTH x WIDTH pixels around each, as far as the image goes.

    Raises ValueError unless WIDTH is odd and positive. scipy's maximum_filter gives the same.
    """
    if width < 1 or width % 2 == 0:
        raise ValueError(f"width {width}; wanted: an odd number of pixels")
    planes = images.reshape(-1, 1, *images.shape[-2:])
    return functional.max_pool2d(planes, width, 1, width // 2).reshape(images.shape)
