"""A network that wants images of another size than the data set has."""

from functools import lru_cache

import torch
from torch import nn
from torch.nn import functional


class Resized(nn.Module):
    """NETWORK behind a bilinear resize to SIZE (row, column), with antialiasing; its modules are called `network.NAME`.

    Maps keep the images' own size: the resize is a linear map, and gradients go back through it.
    """

    def __init__(self, network: nn.Module, size: tuple[int, int]) -> None:
        super().__init__()
        self.network, self.size = network, tuple(size)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.network(resized(images, self.size) if images.is_cuda else _plain(images, self.size))


def resized(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """IMAGES (..., row, column) at SIZE, bilinear and antialiased, as two products of matrices.

    On a GPU torch's own has no deterministic backward pass (it raises where one is asked for).
    """
    rows, columns = (_weights(*pair).to(images) for pair in zip(images.shape[-2:], size, strict=True))
    return rows @ images @ columns.T


@lru_cache(maxsize=16)
def _weights(length: int, wanted: int) -> torch.Tensor:
    """Of LENGTH values in each of the WANTED ones, (wanted, length)."""
    return _plain(torch.eye(length, dtype=torch.double)[None, None], (wanted, length))[0, 0]


def _plain(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(images, size, mode="bilinear", antialias=True)
