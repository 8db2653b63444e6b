"""Probability of the explained class while cells go or come in the order of the map, and with the map as a soft mask.

One deletion curve serves DAUC and DC, one insertion curve IAUC and IC; the clean image is read once for all
(arXiv 2311.17876; Petsiuk et al., 2018; Chattopadhay et al., 2018). Maps count with their sign, channels summed, each
cell by the mean of its pixels.
"""

from itertools import pairwise

import numpy as np
import torch

from saliency_benchmark import fills, grid, masking
from saliency_benchmark.classifier import Classifier


def probe(
    classifier: Classifier,
    inputs: torch.Tensor,
    maps: torch.Tensor,
    index: np.ndarray,
    targets: torch.Tensor,
    *,
    cell: int = 4,
    steps: int | None = None,
    fill: str = "mean",
    start: str = "blur",
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Readings, all probabilities unless said otherwise.

    `clean` (image); `deletion` (image, step): the most salient cells show FILL, none to all; `insertion` (image, step):
    they appear on START, none to all; `saliency` (image, change): the map's sum over the cells that change in a step;
    `kept`, `removed` (image): image * m and image * (1 - m) over the mean colour, m the cells' map, min-max normalised
    per image, NaN where the map is constant. CELL: side in pixels; STEPS: number of steps, one per cell if not given.
    """
    shape = tuple(inputs.shape[2:])
    size = grid.for_cell(shape, cell)
    cells = grid.pool(maps.sum(1) if maps.ndim == 4 else maps, size)
    rank = torch.from_numpy(masking.ranks(cells.cpu().numpy(), index, seed).astype(np.int64)).to(inputs.device)
    counts = np.round(np.linspace(0, cells.shape[1], (steps or cells.shape[1]) + 1)).astype(int)

    def probability(images: torch.Tensor) -> torch.Tensor:
        return classifier.network(images).softmax(1).gather(1, targets[:, None])[:, 0]

    def between(first: torch.Tensor, last: torch.Tensor) -> torch.Tensor:
        """FIRST with the top cells of LAST, at every step but the two ends, which are images of their own."""
        tops = (grid.spread(rank < count, shape, size) for count in counts[1:-1])
        answers = [probability(torch.where(top, last, first))[:, None] for top in tops]
        return torch.cat([inputs.new_empty(len(inputs), 0), *answers], 1)

    with torch.inference_mode():
        shown = (inputs, *(fills.fill(name, inputs, classifier.black()) for name in (fill, start)))
        clean, filled, blurred = (images.contiguous(memory_format=torch.channels_last) for images in shown)
        ends = {name: probability(images) for name, images in (("clean", clean), ("gone", filled), ("start", blurred))}
        soft = grid.smooth(cells, shape, size)
        return {
            "clean": ends["clean"],
            "deletion": torch.cat([ends["clean"][:, None], between(clean, filled), ends["gone"][:, None]], 1),
            "insertion": torch.cat([ends["start"][:, None], between(blurred, clean), ends["clean"][:, None]], 1),
            "saliency": _steps(cells, rank, counts),
            "kept": probability(clean * soft),
            "removed": probability(clean * (1 - soft)),
        }


def _steps(cells: torch.Tensor, rank: torch.Tensor, counts: np.ndarray) -> torch.Tensor:
    """Sum of the saliency of the cells that change at each step, (image, change)."""
    ordered = torch.zeros_like(cells).scatter_(1, rank, cells)
    return torch.stack([ordered[:, a:b].sum(1) for a, b in pairwise(counts)], 1)
