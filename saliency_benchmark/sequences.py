"""Cells that go or come in the order of a map: the images between a clean one and one without anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from saliency_benchmark import grid, masking, sharing, stepping
from saliency_benchmark.asking import Asked


@dataclass(frozen=True)
class Order(sharing.Itself):
    """CELLS (image, cell): the map's mean in each cell; RANK (image, cell), 0 for the most salient; COUNTS: how many
    cells have changed at each step; GRID: rows and columns of cells; SHAPE: rows and columns of pixels.
    """

    cells: torch.Tensor
    rank: torch.Tensor
    counts: np.ndarray
    grid: tuple[int, int]
    shape: tuple[int, int]

    def top(self, count: int, first: str = "most") -> torch.Tensor:
        """True at the COUNT cells that change first, the most or the least salient: (image, 1, row, column)."""
        chosen = self.rank < count if first == "most" else self.rank >= self.rank.shape[1] - count
        return grid.spread(chosen, self.shape, self.grid)

    def between(self, first: str = "most") -> Iterator[torch.Tensor]:
        """`top` at every step but the two ends, which are images of their own."""
        return (self.top(count, first) for count in self.counts[1:-1])

    def change(self) -> stepping.Change:
        """What a step between the ends changes, on the average."""
        each = np.diff(self.counts[1:-1])
        return stepping.Change(self.grid, max(1, round(each.mean())) if len(each) else self.cells.shape[1])

    def changes(self) -> torch.Tensor:
        """Sum of the saliency of the cells that change at each step, the most salient first: (image, change)."""
        ordered = torch.zeros_like(self.cells).scatter_(1, self.rank, self.cells)
        return torch.stack([ordered[:, a:b].sum(1) for a, b in pairwise(self.counts)], 1)


@sharing.once
def order(asked: Asked, maps: torch.Tensor, cell: int, steps: int | None, seed: int) -> Order:
    """The order in which cells of CELL x CELL pixels change, in STEPS steps (one per cell if None); ties by SEED.

    Channels are summed with their sign; a cell counts by the mean of its pixels.
    """
    shape = tuple(asked.inputs.shape[2:])
    size = grid.for_cell(shape, cell)
    # In double precision equal pixels have equal means, and ties are ties.
    cells = grid.pool((maps.sum(1) if maps.ndim == 4 else maps).double(), size).float()
    rank = masking.ranks(cells.cpu().numpy(), asked.index, seed).astype(np.int64)
    counts = np.round(np.linspace(0, cells.shape[1], (steps or cells.shape[1]) + 1)).astype(int)
    return Order(cells, torch.from_numpy(rank).to(maps.device), counts, size, shape)


@sharing.once
def removal(asked: Asked, order: Order, fill: str, first: str = "most") -> torch.Tensor:
    """Scores while cells go, the most or the least salient FIRST, and show FILL: none to all, (image, step, output)."""
    parts = (asked.without(top, fill) for top in order.between(first))
    # Imputed pixels change with every further one that goes.
    change = None if fill == "impute" else order.change()
    return torch.cat([asked.clean[:, None], asked.each(parts, change), asked.ends(fill)[:, None]], 1)


@sharing.once
def arrival(asked: Asked, order: Order, start: str) -> torch.Tensor:
    """Scores while cells appear on the images filled with START, the most salient first: none to all."""
    filled = asked.filled(start)
    parts = (torch.where(top, asked.inputs, filled) for top in order.between())
    return torch.cat([asked.ends(start)[:, None], asked.each(parts, order.change()), asked.clean[:, None]], 1)
