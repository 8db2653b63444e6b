"""Pixel flipping: scores while single pixels go, the most salient first (Bach et al., 2015)."""

import torch

from saliency_benchmark import asking
from saliency_benchmark.probes import removal


def probe(
    asked: asking.Asked, maps: torch.Tensor, *, steps: int = 28, fill: str = "mean", seed: int = 0
) -> dict[str, torch.Tensor]:
    """Reading `most_first` (image, step), scores three ways, as `removal` with cells of one pixel: none to all."""
    return removal.probe(asked, maps, cell=1, steps=steps, fill=fill, least=False, seed=seed)
