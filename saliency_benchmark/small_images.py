"""Convolutions over images of a few pixels, with fewer multiplications than their kernels have places.

Where a kernel is larger than its image most of its products are with the padding: without them a convolution is one
product of matrices. On images of some cells more it is Winograd's F(4 x 4, 3 x 3) (Lavin and Gray, CVPR 2016): six
products instead of twelve for four outputs and each axis. Its points are 0, 1, -1, 1/2, -2, whose rounding is least
(Barabasz et al., 2020); it is less than four times that of adding the products one by one. A library that adds them in
blocks rounds less, how much less depends on the processor.
"""

from collections.abc import Callable, Sequence

import torch
from torch import nn
from torch.nn import functional

# A product of matrices where the image has at most this part of the kernel's places. No form has more numbers.
PART, NUMBERS = 0.6, 2**24
# Winograd's form for images of at most so many pixels, cut into squares of TILE; of so many channels at least; where
# the squares have at most so many times the image's pixels.
PIXELS, TILE, CHANNELS, WASTE = 64, 4, 128, 1.4
POINTS = (0.0, 1.0, -1.0, 0.5, -2.0)
MOVING = 2  # what cutting into squares and putting together costs, with the products, as a multiple of these

# Images (image, channel, row, column) -> what the kernels give, (image, row, column, channel), without the bias.
Form = Callable[[torch.Tensor], torch.Tensor]


@torch.no_grad()
def form(convolution: nn.Conv2d, shape: Sequence[int]) -> Form | None:
    """The cheaper form of CONVOLUTION for images of SHAPE (image, channel, row, column); None where there is none."""
    (rows, columns), weight, of = shape[2:], convolution.weight, geometry(convolution)
    if convolution.groups > 1:
        return None
    if rows * columns <= PART * weight[0, 0].numel():
        places = len(windows(of, rows, columns))
        fits = rows * columns * weight.shape[1] * places * len(weight) <= NUMBERS
        return Product(convolution, rows, columns) if fits else None
    squares = -(-rows // TILE) * -(-columns // TILE)
    plain = of == [(3, 3), (1, 1), (1, 1), (1, 1)] and min(weight.shape[:2]) >= CHANNELS
    small = rows * columns <= PIXELS and squares * TILE**2 <= WASTE * rows * columns
    return Winograd(convolution, squares) if plain and small and 4 * weight.numel() <= NUMBERS else None


class Product:
    """CONVOLUTION over images of ROWS x COLUMNS as one product with `matrix` (entry of an image, entry it gives).

    Entries go by row, column and channel.
    """

    def __init__(self, convolution: nn.Conv2d, rows: int, columns: int) -> None:
        weight, near = convolution.weight.flatten(2), windows(geometry(convolution), rows, columns)
        matrix = weight.new_zeros(rows * columns, weight.shape[1], len(near), len(weight))
        for place, tap in (near >= 0).nonzero().tolist():
            matrix[near[place, tap], :, place] = weight[:, :, tap].T
        self.matrix = matrix.flatten(2).flatten(0, 1)
        image = weight.new_zeros(1, weight.shape[1], rows, columns)
        self._shape, self.multiplications = convolution(image).permute(0, 2, 3, 1).shape[1:], self.matrix.numel()

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        return (images.permute(0, 2, 3, 1).flatten(1) @ self.matrix).view(len(images), *self._shape)


class Winograd:
    """CONVOLUTION, 3 x 3 with a padding of 1, by SQUARES of TILE x TILE outputs, each from TILE + 2 inputs a side."""

    def __init__(self, convolution: nn.Conv2d, squares: int) -> None:
        weight = convolution.weight.double()
        outputs, kernels, inputs = _toom_cook(POINTS, TILE, 3)
        taken = torch.einsum("ai,bj,ocij->abco", kernels, kernels, weight)
        self._weight = taken.flatten(0, 1).to(convolution.weight).contiguous()
        self.multiplications = MOVING * squares * self._weight.numel()
        self._inputs, self._outputs = (torch.kron(each, each).to(convolution.weight) for each in (inputs, outputs))

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        number, channels, rows, columns = images.shape
        after = [1 + -length % TILE for length in (rows, columns)]
        padded = functional.pad(images.permute(0, 2, 3, 1), (0, 0, 1, after[1], 1, after[0]))
        squares = padded.unfold(1, TILE + 2, TILE).unfold(2, TILE + 2, TILE)
        down, across = squares.shape[1:3]
        points = len(self._weight)
        taken = self._inputs @ squares.permute(4, 5, 0, 1, 2, 3).reshape(points, -1)
        products = torch.bmm(taken.view(points, -1, channels), self._weight)
        found = (self._outputs @ products.view(points, -1)).view(TILE, TILE, number, down, across, -1)
        whole = found.permute(2, 3, 0, 4, 1, 5).reshape(number, TILE * down, TILE * across, -1)
        return whole[:, :rows, :columns].contiguous()


def _toom_cook(points: Sequence[float], outputs: int, taps: int) -> list[torch.Tensor]:
    """Matrices of F(OUTPUTS, TAPS) at POINTS and infinity, for the outputs, the kernel and the inputs, in float64.

    OUTPUTS of a sliding sum are first @ ((second @ kernel) * (third @ inputs)).
    """
    places = torch.tensor(points, dtype=torch.double)

    def powers(number: int) -> torch.Tensor:
        last = functional.one_hot(torch.tensor([number - 1]), number)
        return torch.cat([places[:, None] ** torch.arange(number), last])

    apart = (places[:, None] - places).fill_diagonal_(1).prod(1)
    scale = torch.cat([apart, apart.new_ones(1)])[:, None]
    inputs = torch.linalg.inv(powers(outputs + taps - 1)).T
    return [powers(outputs).T.contiguous(), powers(taps) / scale, inputs * scale]


def geometry(layer: nn.Module) -> list[tuple[int, int]]:
    """Size, dilation, padding and stride of LAYER, a convolution or a pooling; each of (rows, columns)."""
    found = layer.kernel_size, getattr(layer, "dilation", 1), layer.padding, layer.stride
    return [each if isinstance(each, tuple) else (each, each) for each in found]


def windows(of: list[tuple[int, int]], rows: int, columns: int) -> torch.Tensor:
    """The places of images of ROWS x COLUMNS that each place of what a layer OF this geometry gives looks at.

    (place, neighbour); -1 is outside of the image.
    """
    numbers = torch.arange(1, rows * columns + 1, dtype=torch.double).view(1, 1, rows, columns)
    return functional.unfold(numbers, *of)[0].T.long() - 1
