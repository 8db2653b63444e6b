"""As `randomisation`, with maps averaged over noisy copies of the image, before and after (Hedstroem et al., 2023).

What noise of the gradient does to a similarity is taken out that way. One map per stage and sample.
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
    samples: int = 10,
    noise: float = 0.1,
    signed: bool = False,
    bins: int = 100,
    seed: int = 0,
) -> dict[str, torch.Tensor]:
    """Readings as `remapping.randomised` has them. SAMPLES: the image and its noisy copies (50 in the paper)."""
    chance = {"order": order, "steps": steps, "samples": samples, "noise": noise, "seed": seed}
    return remapping.randomised(asked, maps, signed=signed, bins=bins, **chance)
