"""Scores with random subsets of cells gone: the same passes for every method.

One set of passes serves sensitivity-n, faithfulness correlation, MuFidelity and infidelity. Shares rise in powers of
two up to 0.8, as sensitivity-n takes them (Ancona et al., 2018: on a logarithmic scale up to 80 %); MuFidelity and
faithfulness correlation read the one of 0.2. For the sizes of a paper's own, e.g. `shares: [0.2], draws: 200`.
"""

from collections.abc import Sequence

import numpy as np
import torch

from saliency_benchmark import asking, grid, masking, seeds


def probe(
    asked: asking.Asked,
    *,
    cell: int = 4,
    shares: Sequence[float] = (0.1, 0.2, 0.4, 0.8),
    draws: int = 25,
    fill: str = "mean",
    seed: int = 0,
) -> dict[str, torch.Tensor | np.ndarray]:
    """Readings: `clean` (image) and `without_subset` (image, share, draw), scores three ways;

    `subset` (image, share, draw, cell row, cell column): True where a cell shows FILL, in DRAWS subsets for each of
    SHARES, of exactly round(share * cells) cells, drawn from SEED and the image's index; `difference` (image, channel,
    row, column): network input less FILL. CELL: side in pixels. One pass per subset.
    """
    shape = tuple(asked.inputs.shape[2:])
    size = grid.for_cell(shape, cell)
    counts = [masking.count(share, size[0] * size[1]) for share in shares]
    subset = np.stack([_draw(seeds.rng("subsets", seed, int(image)), counts, draws, size) for image in asked.index])
    filled, chosen = asked.filled(fill), torch.from_numpy(subset).to(asked.inputs.device).flatten(3).flatten(1, 2)
    parts = (
        torch.where(grid.spread(chosen[:, draw], shape, size), filled, asked.inputs) for draw in range(chosen.shape[1])
    )
    return {
        **asking.named("clean", asked.clean),
        **asking.named("without_subset", asked.each(parts).unflatten(1, (len(counts), draws))),
        "subset": subset,
        "difference": (asked.inputs - filled).contiguous(),
    }


def _draw(rng: np.random.Generator, counts: Sequence[int], draws: int, size: tuple[int, int]) -> np.ndarray:
    """Subsets of one image, (share, draw, cell row, cell column): exactly COUNTS cells each."""
    rank = rng.random((len(counts), draws, size[0] * size[1])).argsort(-1).argsort(-1)
    return (rank < np.reshape(counts, (-1, 1, 1))).reshape(len(counts), draws, *size)
