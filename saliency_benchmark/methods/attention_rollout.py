"""Attention rollout (Abnar and Zuidema, 2020, eq. 1): how attention mixes an image's tokens from layer to layer.

It looks at no class and is never negative. Each layer is `residual` of the identity and the rest attention, its rows
scaled to sum to 1; the map is the row of the class token, or the mean of all rows where the output is pooled (Swin),
drawn bilinearly. Defaults: `residual` 0.5, mean over `heads` (or max, min), nothing discarded. `discard`: the share of
an image's weights in each layer, the smallest, that become 0. Swin is not in the paper: here its windows are followed,
a merged token shares its mass among those it was made of, and what attention gives to padding is lost.
vit-explain divides the map by its maximum, and its columns, not its rows, by the sums of rows: where it discards (90 %
by default) or takes the maximum or minimum of heads, its rows do not sum to 1. In a batch it discards from the first
image alone.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import attention, attention_tokens, cams

GROUP = "attention"
unsuited = attention.unsuited


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    heads: str = "mean",
    residual: float = 0.5,
    discard: float = 0.0,
) -> torch.Tensor:
    if not (0 <= residual < 1 and 0 <= discard < 1):
        raise ValueError(f"residual and discard are shares in [0, 1), not {residual} and {discard}")

    def mix(rows: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        kept = _without_smallest(weights, len(images), discard)
        rows = rows / (residual + (1 - residual) * kept.sum(2)).clamp_min(torch.finfo(rows.dtype).tiny)
        return residual * rows + (1 - residual) * attention_tokens.times(rows, kept)

    layers = attention.recorded(model, images, targets, heads)
    return cams.draw(attention_tokens.walk(layers, attention_tokens.start(layers[-1]), mix), images)


def _without_smallest(weights: torch.Tensor, images: int, share: float) -> torch.Tensor:
    """SHARE of an image's weights, the smallest, become 0; the first of equal ones goes first."""
    flat = weights.reshape(images, -1)
    number = round(share * flat.shape[1])
    if not number:
        return weights
    return flat.scatter(1, flat.argsort(dim=1, stable=True)[:, :number], 0).reshape(weights.shape)
