"""Region perturbation: scores while regions of 9 x 9 pixels become noise, in both orders (Samek et al., 2017)."""

import torch

from saliency_benchmark import asking
from saliency_benchmark.probes import removal


def probe(
    asked: asking.Asked, maps: torch.Tensor, *, cell: int = 9, last: int = 100, fill: str = "noise", seed: int = 0
) -> dict[str, torch.Tensor]:
    """Readings `most_first`, `least_first` (image, step), scores three ways, as `removal`: one region per step.

    Up to LAST regions, or all where there are no more. The noise of an image is drawn once, for both orders.
    """
    return removal.probe(asked, maps, cell=cell, last=last, fill=fill, seed=seed)
