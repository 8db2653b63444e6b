"""Maps of the same class while the network's parameters are drawn anew, module by module (Adebayo et al., 2018).

From the last module to the first, each stage keeping what was drawn before. `bottom_up_randomisation` begins at the
first module, `smooth_randomisation` averages over noisy copies; the options here can do either.
"""

import torch

from saliency_benchmark import remapping
from saliency_benchmark.asking import Asked

EXPLAINS = True


def probe(
    asked: Asked,
    maps: torch.Tensor,
    *,
    order: str = "top_down",
    steps: int = 4,
    samples: int = 1,
    noise: float = 0.1,
    signed: bool = False,
    bins: int = 100,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Readings as `remapping.randomised` has them. ORDER: top_down, bottom_up or independent; STEPS: stages at most."""
    chance = {"order": order, "steps": steps, "samples": samples, "noise": noise, "seed": seed}
    return remapping.randomised(asked, maps, signed=signed, bins=bins, **chance)
