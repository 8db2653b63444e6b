"""Where the tokens of an attention lie: one number per token, walked from a transformer's end to its first tokens.

Mass is (image, token) or (image, row, column). `arranged` gives the rows that multiply an attention's weights
(image x window, query, key) from the left; `restored` puts the products back.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

Pair = tuple[int, int]


@dataclass(frozen=True)
class Tokens:
    """All tokens see each other: EXTRA ones, of which the first is the class token, then a grid of cells."""

    extra: int
    grid: Pair

    def start(self, weights: torch.Tensor) -> torch.Tensor:
        """All mass on the class token, which the classifier reads; without one, the mean over all tokens."""
        mass = weights.new_zeros(weights.shape[0], weights.shape[-1])
        if self.extra:
            mass[:, 0] = 1
        return mass if self.extra else mass + 1 / mass.shape[1]

    def arranged(self, mass: torch.Tensor) -> torch.Tensor:
        return mass

    def restored(self, rows: torch.Tensor) -> torch.Tensor:
        return rows

    def cells(self, mass: torch.Tensor) -> torch.Tensor:
        return mass[:, self.extra :].unflatten(1, self.grid)


@dataclass(frozen=True)
class Windows:
    """Swin's attention (Liu et al., 2021): a grid, padded at its end and shifted cyclically, is cut into WINDOWs."""

    grid: Pair
    window: Pair
    shift: Pair

    @property
    def counts(self) -> Pair:
        """Windows in a column and in a row."""
        return tuple(-(-length // size) for length, size in zip(self.grid, self.window, strict=True))

    @property
    def moved(self) -> Pair:
        """The shift that is done: none along an axis that holds one window."""
        return tuple(shift * (count > 1) for shift, count in zip(self.shift, self.counts, strict=True))

    def start(self, weights: torch.Tensor) -> torch.Tensor:
        """Global average pooling reads all tokens alike."""
        images = len(weights) // (self.counts[0] * self.counts[1])
        return weights.new_full((images, *self.grid), 1 / (self.grid[0] * self.grid[1]))

    def arranged(self, mass: torch.Tensor) -> torch.Tensor:
        below, right = (-length % size for length, size in zip(self.grid, self.window, strict=True))
        padded = functional.pad(mass, (0, right, 0, below)).roll([-each for each in self.moved], (1, 2))
        windows = padded.unflatten(2, (-1, self.window[1])).unflatten(1, (-1, self.window[0]))
        return windows.transpose(2, 3).flatten(3).flatten(0, 2)

    def restored(self, rows: torch.Tensor) -> torch.Tensor:
        """What fell on padding is no part of the image and goes."""
        windows = rows.reshape(-1, *self.counts, *self.window).transpose(2, 3)
        whole = windows.flatten(3).flatten(1, 2).roll(self.moved, (1, 2))
        return whole[:, : self.grid[0], : self.grid[1]]

    def cells(self, mass: torch.Tensor) -> torch.Tensor:
        return mass


@dataclass(frozen=True)
class Merge:
    """Swin's patch merging: 2 x 2 tokens of GRID become one."""

    grid: Pair

    def shared(self, mass: torch.Tensor) -> torch.Tensor:
        """Each token hands its mass to those it was made of, in equal parts: they are concatenated, none is favoured.

        At the end of an odd grid the part of the padding falls to the others, so that no mass is lost.
        """
        rows, columns = (
            torch.tensor([2] * (length // 2) + [1] * (length % 2), device=mass.device) for length in self.grid
        )
        return (mass / (rows[:, None] * columns)).repeat_interleave(rows, 1).repeat_interleave(columns, 2)


@dataclass(frozen=True)
class Layer:
    """An attention at its place, with weights (image x window, query, key); or a merge, which has none."""

    place: Tokens | Windows | Merge
    weights: torch.Tensor | None = None


def walk(layers: list[Layer], mass: torch.Tensor, mix: Callable) -> torch.Tensor:
    """MASS behind the last of LAYERS, carried to the cells before the first: (image, row, column).

    mix(rows, weights) -> rows, where a row is (image x window, token).
    """
    for layer in reversed(layers):
        if isinstance(layer.place, Merge):
            mass = layer.place.shared(mass)
        else:
            mass = layer.place.restored(mix(layer.place.arranged(mass), layer.weights))
    return layers[0].place.cells(mass)


def start(layer: Layer) -> torch.Tensor:
    """Mass of 1 per image, where the output reads what LAYER, an attention, gives."""
    return layer.place.start(layer.weights)


def times(rows: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Each row times the matrix of its window: (image x window, token)."""
    return torch.einsum("nq,nqk->nk", rows, weights)
