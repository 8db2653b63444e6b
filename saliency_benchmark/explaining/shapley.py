"""Shapley values from sampled coalitions, by weighted least squares that keeps their sum (Lundberg and Lee, 2017)."""

from math import comb

import torch


def drawn(samples: int, count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Coalitions of COUNT players, (sample, player), neither empty nor whole, and the weight of each, (sample).

    All of them, weighted by the Shapley kernel, where their 2^COUNT (empty and whole included) are at most SAMPLES.
    Otherwise sizes are drawn by the kernel, and each coalition comes with its complement (Covert and Lee, 2021).
    Raises ValueError where there are not two samples.
    """
    if samples < 2:
        raise ValueError(f"{samples} samples are not one coalition and its complement: take 2 or more")
    if 2**count <= samples:
        coalitions = (torch.arange(1, 2**count - 1)[:, None] >> torch.arange(count)) & 1 == 1
        sizes = coalitions.sum(1).tolist()
        return coalitions, torch.tensor([1 / (comb(count, size) * size * (count - size)) for size in sizes]).double()
    sizes = torch.arange(1, count)
    chosen = torch.multinomial(1 / (sizes * (count - sizes)).double(), samples // 2, True, generator=generator)
    order = torch.rand(samples // 2, count, generator=generator).argsort(1).argsort(1)
    half = order < sizes[chosen][:, None]
    return torch.stack([half, ~half], 1).flatten(0, 1), torch.ones(2 * len(half), dtype=torch.float64)


def solve(coalitions: torch.Tensor, weights: torch.Tensor, gains: torch.Tensor, total: torch.Tensor) -> torch.Tensor:
    """Values (player), float64, that sum to TOTAL and fit the GAINS (sample) of the coalitions best.

    What too few coalitions leave open is shared equally.
    """
    count = coalitions.shape[1]
    # Equal shares of the total, and a rest without a sum: the constraint holds whatever the fit.
    inside = coalitions.double()
    rest = inside - inside.mean(1, keepdim=True)
    normal = rest.T @ (weights[:, None] * rest)
    moment = rest.T @ (weights * (gains.double() - total.double() * inside.mean(1)))
    values = torch.linalg.pinv(normal, rtol=1e-10, hermitian=True) @ moment
    return total.double() / count + values - values.mean()
