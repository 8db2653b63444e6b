"""RISE: the mean of random masks, each weighted by the probability that it leaves (Petsiuk et al., 2018, eq. 6).

Masks are grids of coins, drawn bilinearly with a random shift; what they hide shows the mean colour. The score is the
softmax probability, as published. All images share the seeded masks.
"""

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import noise

GROUP = "perturbation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    masks: int = 500,
    cells: int = 7,
    share: float = 0.5,
    seed: int = 0,
) -> torch.Tensor:
    """One forward pass per mask; SHARE of the CELLS x CELLS cells is kept on average."""
    generator, shape = noise.generator("rise", seed), images.shape[2:]
    total = torch.zeros(len(images), *shape, device=images.device)
    with torch.no_grad():
        for _ in range(masks):
            mask = _mask(tuple(shape), cells, share, generator).to(images.device)
            total += model(images * mask).softmax(1).gather(1, targets[:, None])[:, :, None] * mask
    return total / (masks * share)


def _mask(shape: tuple[int, int], cells: int, share: float, generator: torch.Generator) -> torch.Tensor:
    coins = (torch.rand(1, 1, cells + 1, cells + 1, generator=generator) < share).float()
    side = [-(-length // cells) for length in shape]
    large = functional.interpolate(coins, [(cells + 1) * each for each in side], mode="bilinear", align_corners=False)
    top, left = (int(torch.randint(each, (), generator=generator)) for each in side)
    return large[0, 0, top : top + shape[0], left : left + shape[1]]
