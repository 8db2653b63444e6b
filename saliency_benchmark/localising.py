"""How far a map's relevance is from the region of its image: a loss, differentiable by the map (arXiv 2311.04813).

Every map is compared with its own region alone, whatever else is in the batch.
"""

import torch

EPSILON = 1e-6


def relevance(maps: torch.Tensor) -> torch.Tensor:
    """Positive relevance, the mean over channels: (image, [channel], row, column) -> (image, row, column)."""
    positive = maps.clamp(min=0)
    return positive.mean(1) if maps.ndim == 4 else positive


def loss(maps: torch.Tensor, regions: torch.Tensor, misaligned: bool = False) -> torch.Tensor:
    """Mean squared error of each map's relevance, scaled to [0, 1], to its region; (image).

    maps (image, [channel], row, column), regions (image, row, column) bool; MISALIGNED: to all but the region. Each map
    is scaled by its own least and most relevance, EPSILON added to their difference: one without positive relevance is
    0 everywhere, and its loss the share of what it should have marked.
    """
    found, wanted = relevance(maps).flatten(1), (regions.logical_not() if misaligned else regions).flatten(1)
    least, most = found.amin(1, keepdim=True), found.amax(1, keepdim=True)
    return ((found - least) / (most - least + EPSILON) - wanted.to(found)).square().mean(1)


def without_relevance(maps: torch.Tensor) -> torch.Tensor:
    """True where a map has no positive relevance at all; (image)."""
    return (relevance(maps).flatten(1) > 0).logical_not().all(1)
