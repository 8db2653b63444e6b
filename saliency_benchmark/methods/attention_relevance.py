"""Attention relevance (Chefer et al., 2021, "Generic attention-model explainability", eq. 5 and 6).

Target: the output explained. Layer by layer R becomes R + A R, where A is the mean over heads of the positive part of
attention times its gradient, and R begins as the identity. The map is the class token's row of R, drawn bilinearly:
never negative, and 0 where no attention raises the output. Swin is not in the paper: as its output is pooled, the map
is the mean of R's rows, without the identity's part; a merged token shares its relevance among those it was made of.
No options. The authors' code scales the map to [0, 1]; vit-explain's gradient rollout takes the positive part after the
mean over heads.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import attention, attention_tokens, cams

GROUP = "attention"
unsuited = attention.unsuited


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    layers = attention.relevant(model, images, targets)
    start = attention_tokens.start(layers[-1])
    # The identity's share and what came to it, one below the other: small relevance is not rounded away beside 1.
    cells = attention_tokens.walk(layers, torch.cat([start, torch.zeros_like(start)]), _add)
    return cams.draw(cells[len(images) :], images)


def _add(rows: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    own, gained = rows.chunk(2)
    return torch.cat([own, gained + attention_tokens.times(own + gained, weights)])
