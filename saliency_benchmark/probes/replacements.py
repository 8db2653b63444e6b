"""How far scores move when a cell shows random values: the same passes for every method (Nguyen and Martinez, 2020)."""

import torch

from saliency_benchmark import asking, fills, grid, noise
from saliency_benchmark.probes import cells


def probe(asked: asking.Asked, *, cell: int = 4, draws: int = 4, seed: int = 0) -> dict[str, torch.Tensor]:
    """Readings, scores three ways: `clean` (image); `squared_change` (image, cell row, cell column).

    The latter is the mean of (s(x') - s(x))^2 over DRAWS images x' that differ from x in that cell only, every channel
    value of which is uniform between black and white, drawn from SEED and the image's index. CELL: side in pixels.
    DRAWS passes per cell.
    """
    size = grid.for_cell(tuple(asked.inputs.shape[2:]), cell)
    generators = [noise.generator("replacements", seed, int(image)) for image in asked.index]
    ends = asked.classifier.black(), asked.classifier.white()
    drawn = [fills.fill("noise", asked.inputs, *ends, generators) for _ in range(draws)]
    parts = (torch.where(one, values, asked.inputs) for one in cells.masks(asked, size) for values in drawn)
    changes = asked.each(parts).unflatten(1, (*size, draws)) - asked.clean[:, None, None, None]
    return {
        **asking.named("clean", asked.clean),
        **asking.named("squared_change", changes.square().mean(3)),
    }
