"""What stands where a pixel was removed; images (image, channel, row, column) are network input."""

import torch
from torch.nn import functional

FILLS = ("mean", "black", "image_mean", "blur")


def fill(name: str, images: torch.Tensor, black: torch.Tensor) -> torch.Tensor:
    """IMAGES with every pixel removed: what a masked pixel shows. BLACK is the colour black as network input.

    `mean`: the data set's mean colour, which is 0 in network input; `image_mean`: each image's own; `blur`: a box
    filter of width max(H // 5, 9), made odd, zero padding (arXiv 2311.17876, authors' code).
    """
    if name == "mean":
        return torch.zeros_like(images)
    if name == "black":
        return black[:, None, None].expand_as(images)
    if name == "image_mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    if name == "blur":
        return blur(images)
    raise ValueError(f"no fill {name!r}; there are: {', '.join(FILLS)}")


def blur(images: torch.Tensor) -> torch.Tensor:
    width = max(images.shape[2] // 5, 9) | 1
    return functional.avg_pool2d(images, width, stride=1, padding=width // 2, count_include_pad=True)
