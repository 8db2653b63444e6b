"""Scores while the most salient cells go first, and while the least salient do.

Asked with the cells, steps, fill and seed of `perturbation` it costs half: its deletion curve is `most_first`.
"""

from dataclasses import replace

import numpy as np
import torch

from saliency_benchmark import asking, sequences


def probe(
    asked: asking.Asked,
    maps: torch.Tensor,
    *,
    cell: int = 4,
    steps: int | None = None,
    last: int | None = None,
    fill: str = "mean",
    least: bool = True,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Readings, scores three ways: `most_first` and, if LEAST, `least_first` (image, step): cells show FILL.

    From none to all, or to LAST cells. CELL: side in pixels; STEPS: number of steps, one per cell if not given. Maps
    count with their sign, channels summed, each cell by the mean of its pixels; ties fall by SEED.
    """
    order = sequences.order(asked, maps, cell, steps, seed)
    cells = order.cells.shape[1]
    short = last is not None and last < cells
    if short:
        # The end that all share stays, and is cut: what comes between is all that costs.
        counts = np.round(np.linspace(0, last, (steps or last) + 1)).astype(int)
        order = replace(order, counts=np.append(counts, cells))
    # Asked by the same words as in `perturbation`: what is shared is known by them.
    curves = {"most_first": sequences.removal(asked, order, fill)}
    if least:
        curves["least_first"] = sequences.removal(asked, order, fill, "least")
    readings = {}
    for name, scores in curves.items():
        readings |= asking.named(name, scores[:, :-1] if short else scores)
    return readings
