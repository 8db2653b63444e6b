"""What stands where a pixel was removed; images (image, channel, row, column) are network input."""

import torch
from torch.nn import functional

FILLS = ("mean", "black", "image_mean", "blur")


def fill(
    name: str,
    images: torch.Tensor,
    black: torch.Tensor,
    white: torch.Tensor | None = None,
    generators: list[torch.Generator] | None = None,
) -> torch.Tensor:
    """IMAGES with every pixel removed: what a masked pixel shows. BLACK and WHITE are colours as network input.

    `mean`: the data set's mean colour, which is 0 in network input; `image_mean`: each image's own; `blur`: a box
    filter of width max(H // 5, 9), made odd, zero padding (arXiv 2311.17876, authors' code); `noise`: uniform between
    black and white, every channel value by itself, each image from one of GENERATORS (Samek et al., 2017).
    """
    if name == "mean":
        return torch.zeros_like(images)
    if name == "black":
        return black[:, None, None].expand_as(images)
    if name == "image_mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    if name == "blur":
        return blur(images)
    if name == "noise" and generators:
        drawn = torch.stack([torch.rand(images.shape[1:], generator=each) for each in generators]).to(images)
        return black[:, None, None] + drawn * (white - black)[:, None, None]
    raise ValueError(f"no fill {name!r}; there are: {', '.join(FILLS)}, and in probes noise")


def blur(images: torch.Tensor) -> torch.Tensor:
    width = max(images.shape[2] // 5, 9) | 1
    return functional.avg_pool2d(images, width, stride=1, padding=width // 2, count_include_pad=True)
