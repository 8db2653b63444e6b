"""Raw attention: what the last layer's class token attends to (Dosovitskiy et al., 2021; Caron et al., 2021).

It looks at no class and is never negative. Where the output is pooled (Swin) it is what all tokens of the layer attend
to, on average. Drawn bilinearly. Defaults: the last layer (`layer_index` counts from 0, or from the end below 0), mean
over `heads` (or max, min). What attention gives to padding and to the class token is left out; nothing is normalised.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import attention, attention_tokens, cams

GROUP = "attention"
unsuited = attention.unsuited


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, heads: str = "mean", layer_index: int = -1
) -> torch.Tensor:
    layers = [layer for layer in attention.recorded(model, images, targets, heads) if layer.weights is not None]
    if not -len(layers) <= layer_index < len(layers):
        raise ValueError(
            f"no layer {layer_index} among {len(layers)} of attention: {-len(layers)} to {len(layers) - 1}"
        )
    layer = layers[layer_index]
    return cams.draw(attention_tokens.walk([layer], attention_tokens.start(layer), attention_tokens.times), images)
