"""A network that wants images of another size than the data set has."""

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
        return self.network(functional.interpolate(images, self.size, mode="bilinear", antialias=True))
