"""Cells: a map on a grid of rectangles of pixels. Every pixel belongs to exactly one cell."""

import torch
from torch.nn import functional


def cell_of_pixel(shape: tuple[int, int], grid: tuple[int, int]) -> torch.Tensor:
    """Number of the cell that each pixel lies in, (row, column); cells differ by at most a pixel in height or width."""
    rows, columns = (torch.arange(length) * cells // length for length, cells in zip(shape, grid, strict=True))
    return rows[:, None] * grid[1] + columns[None]


def for_cell(shape: tuple[int, int], cell: int) -> tuple[int, int]:
    """Grid whose cells are as near to CELL x CELL pixels as the image allows."""
    return max(1, round(shape[0] / cell)), max(1, round(shape[1] / cell))


def pool(maps: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """Mean of the pixels of each cell: (image, row, column) -> (image, cell)."""
    cells = cell_of_pixel(tuple(maps.shape[1:]), grid).flatten().to(maps.device)
    sums = torch.zeros(len(maps), grid[0] * grid[1], dtype=maps.dtype, device=maps.device)
    sums.index_add_(1, cells, maps.flatten(1))
    return sums / torch.bincount(cells, minlength=sums.shape[1])


def spread(values: torch.Tensor, shape: tuple[int, int], grid: tuple[int, int]) -> torch.Tensor:
    """Each pixel takes the value of its cell: (image, cell) -> (image, 1, row, column)."""
    return values[:, cell_of_pixel(shape, grid).to(values.device)][:, None]


def smooth(values: torch.Tensor, shape: tuple[int, int], grid: tuple[int, int]) -> torch.Tensor:
    """Cells min-max normalised per image, then drawn bicubically: (image, cell) -> (image, 1, row, column).

    A constant image of cells has no order and gives NaN.
    """
    low, high = values.amin(1, keepdim=True), values.amax(1, keepdim=True)
    unit = ((values - low) / (high - low)).unflatten(1, grid)[:, None]
    return functional.interpolate(unit, shape, mode="bicubic", align_corners=False)
