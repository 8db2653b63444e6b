"""Maps while the network's parameters are drawn anew from the first module to the last (Hedstroem et al., 2023)."""

import torch

from saliency_benchmark import remapping
from saliency_benchmark.asking import Asked

EXPLAINS = True


def probe(
    asked: Asked, maps: torch.Tensor, *, steps: int = 4, signed: bool = False, bins: int = 100, seed: int = 0
) -> dict[str, torch.Tensor]:
    """Readings as `remapping.randomised` has them. STEPS: stages at most."""
    return remapping.randomised(asked, maps, order="bottom_up", steps=steps, signed=signed, bins=bins, seed=seed)
