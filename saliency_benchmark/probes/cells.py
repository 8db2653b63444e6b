"""Scores with one cell gone, and with one cell alone: the same passes for every method (arXiv 2311.17876).

What DC-nc and IC-nc need, faithfulness estimate, and occlusion by cells.
"""

from collections.abc import Iterator

import torch

from saliency_benchmark import asking, grid, stepping


def probe(asked: asking.Asked, *, cell: int = 4, fill: str = "mean", start: str = "blur") -> dict[str, torch.Tensor]:
    """Readings, scores three ways.

    `clean` (image); `gone`, `start` (image): every pixel shows FILL, or START; `without` (image, cell row, cell
    column): only that cell shows FILL; `only` (the same): only that cell of the image appears on START. CELL: side in
    pixels. Two passes per cell.
    """
    shape = tuple(asked.inputs.shape[2:])
    size = grid.for_cell(shape, cell)
    filled, begun = asked.filled(fill), asked.filled(start)
    change = stepping.Change(size, 2)  # one cell comes back, the next one goes
    without = asked.each((torch.where(one, filled, asked.inputs) for one in masks(asked, size)), change)
    only = asked.each((torch.where(one, asked.inputs, begun) for one in masks(asked, size)), change)
    return {
        **asking.named("clean", asked.clean),
        **asking.named("gone", asked.ends(fill)),
        **asking.named("start", asked.ends(start)),
        **asking.named("without", without.unflatten(1, size)),
        **asking.named("only", only.unflatten(1, size)),
    }


def masks(asked: asking.Asked, size: tuple[int, int]) -> Iterator[torch.Tensor]:
    """True in one cell after the other of a grid of SIZE: (row, column)."""
    numbers = grid.cell_of_pixel(tuple(asked.inputs.shape[2:]), size).to(asked.inputs.device)
    return (numbers == number for number in range(size[0] * size[1]))
