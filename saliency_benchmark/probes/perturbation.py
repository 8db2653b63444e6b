"""Scores while cells go or come in the order of the map, and with the map as a soft mask.

One deletion curve serves DAUC and DC, one insertion curve IAUC and IC; the clean image is read once for all
(arXiv 2311.17876; Petsiuk et al., 2018; Chattopadhay et al., 2018). Maps count with their sign, channels summed, each
cell by the mean of its pixels.
"""

import torch

from saliency_benchmark import asking, grid, sequences


def probe(
    asked: asking.Asked,
    maps: torch.Tensor,
    *,
    cell: int = 4,
    steps: int | None = None,
    fill: str = "mean",
    start: str = "blur",
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Readings, scores three ways but for `saliency`.

    `clean` (image); `deletion` (image, step): the most salient cells show FILL, none to all; `insertion` (image, step):
    they appear on START, none to all; `saliency` (image, change): the map's sum over the cells that change in a step;
    `kept`, `removed` (image): image * m and image * (1 - m) over the mean colour, m the cells' map, min-max normalised
    per image, NaN where the map is constant. CELL: side in pixels; STEPS: number of steps, one per cell if not given.
    """
    order = sequences.order(asked, maps, cell, steps, seed)
    soft = grid.smooth(order.cells, order.shape, order.grid)
    masked = asked.each(asked.inputs * mask for mask in (soft, 1 - soft))
    return {
        **asking.named("clean", asked.clean),
        **asking.named("deletion", sequences.removal(asked, order, fill)),
        **asking.named("insertion", sequences.arrival(asked, order, start)),
        "saliency": order.changes(),
        **asking.named("kept", masked[:, 0]),
        **asking.named("removed", masked[:, 1]),
    }
