"""RISE: the mean of random masks, each weighted by the probability that it leaves (Petsiuk et al., 2018, eq. 6).

Masks are grids of coins, drawn bilinearly with a random shift; what they hide shows the mean colour. The score is the
target's softmax probability, as published, whatever is explained. All images share the seeded masks; the paper takes
4000 to 8000 of them.
"""

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import batching, noise
from saliency_benchmark.explaining import coalitions

GROUP = "perturbation"
ALSO = "recent"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    output: str = "logit",
    masks: int = 500,
    cells: int = 7,
    share: float = 0.5,
    seed: int = 0,
) -> torch.Tensor:
    """One forward pass per mask; SHARE of the CELLS x CELLS cells is kept on average. OUTPUT: what MODEL gives."""
    generator, shape = noise.generator("rise", seed), tuple(images.shape[2:])
    coins = (torch.rand(masks, cells + 1, cells + 1, generator=generator) < share).float().to(images.device)
    sides = [-(-length // cells) for length in shape]
    shifts = torch.stack([torch.randint(side, (masks,), generator=generator) for side in sides], 1).tolist()
    total = images.new_zeros(len(images), *shape)
    wanted = targets[:, None, None]
    with torch.inference_mode():
        for span in batching.spans(masks, len(images)):
            some = draw(coins[span.start : span.stop], shifts[span.start : span.stop], shape)
            outputs = coalitions.ask(model, images[:, None] * some[None, :, None])
            scores = outputs if output == "probability" else outputs.softmax(2)
            kept = scores.gather(2, wanted.expand(-1, len(span), 1))[..., 0]
            total += (kept @ some.flatten(1)).unflatten(1, shape)
    return total / (masks * share)


def draw(coins: torch.Tensor, shifts: list[list[int]], shape: tuple[int, int]) -> torch.Tensor:
    """Coins (mask, row, column) as masks of SHAPE, bilinearly, each cut out at its shift from a somewhat larger one."""
    sides = [-(-length // (count - 1)) for length, count in zip(shape, coins.shape[1:], strict=True)]
    whole = [side * count for side, count in zip(sides, coins.shape[1:], strict=True)]
    large = functional.interpolate(coins[:, None], whole, mode="bilinear", align_corners=False)[:, 0]
    pieces = zip(large, shifts, strict=True)
    return torch.stack([one[top : top + shape[0], left : left + shape[1]] for one, (top, left) in pieces])
