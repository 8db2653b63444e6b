"""What the methods for transformers share: each attention's weights or relevance, at the place of its tokens.

The place is known for ViT-like models (class token and registers first, then one token per cell of a convolution) and
for torchvision's Swin transformers of both versions.
"""

from functools import partial

import torch
from torch import nn

from saliency_benchmark import gradients, sharing
from saliency_benchmark.explaining.attention_recording import Recording, recording
from saliency_benchmark.explaining.attention_tokens import Layer, Merge, Tokens

HEADS = {"mean": torch.mean, "max": torch.amax, "min": torch.amin}
# A class token, one of distillation, some registers: more tokens beside the grid speak for another grid.
EXTRA = 8
INSTEAD = "take a gradient or CAM method, or a ViT or Swin"
NONE = f"it computes no attention (no softmax over tokens was seen); {INSTEAD}"
OTHERS = f"its output reads other tokens than the first, which was taken for the class token; {INSTEAD}"


@sharing.once
def recorded(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, heads: str) -> list[Layer]:
    """Every attention's weights, their HEADS put together by mean, max or min, each (image x window, query, key).

    One forward pass. Raises ValueError where the model has no attention or its tokens have no known place.
    """
    if heads not in HEADS:
        raise ValueError(f"heads are put together by one of {', '.join(HEADS)}, not by {heads!r}")
    with torch.inference_mode(), recording(model, partial(_fused, heads=heads)) as found:
        gradients.chosen(model(images), targets)  # a class that is not there is refused
    return _settled(_placed(found, len(images)))


def relevant(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> list[Layer]:
    """As `recorded`, each with the mean over heads of the positive part of weights times their gradients as weights.

    Chefer et al. 2021, eq. 5. One forward pass, and a backward pass down to the first attention.
    """
    found, slopes = _with_gradients(model, images, targets)
    layers, left = _settled(_placed(found, len(images), slopes)), iter(slopes)
    with torch.no_grad():
        return [
            layer if layer.weights is None else Layer(layer.place, _fused((next(left) * layer.weights).relu()))
            for layer in layers
        ]


def unsuited(model: nn.Module, shape: tuple[int, int, int]) -> str | None:
    """Why attention cannot be followed in MODEL, and what to do, or None; an image of zeros of SHAPE is tried."""
    images = torch.zeros(1, *shape, device=next(model.parameters()).device)
    found, slopes = _with_gradients(model, images, torch.zeros(1, dtype=torch.long, device=images.device))
    layers = _placed(found, 1, slopes)
    return layers if isinstance(layers, str) else None


def _with_gradients(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor
) -> tuple[Recording, tuple[torch.Tensor, ...]]:
    """A recording with the weights as they were, and the gradient of each image's target output at each of them."""

    def keep(weights: torch.Tensor) -> torch.Tensor:
        # Neither the model nor the images ask for gradients: the graph begins at the first attention.
        return weights if weights.requires_grad else weights.requires_grad_(True)

    with torch.enable_grad(), recording(model, keep) as found:
        output = gradients.chosen(model(images.detach()), targets)
    weights = [layer.weights for layer in found.layers if layer.weights is not None]
    return found, torch.autograd.grad(output.sum(), weights, materialize_grads=True) if weights else ()


def _fused(weights: torch.Tensor, heads: str = "mean") -> torch.Tensor:
    """(image, head, query, key) -> (image, query, key); three axes are one head."""
    return HEADS[heads](weights, -3) if weights.ndim > 3 else weights


def _placed(found: Recording, images: int, slopes: tuple[torch.Tensor, ...] = ()) -> list[Layer] | str:
    """The layers with the place of their tokens, or why there is none. SLOPES: gradients at their weights, if known."""
    if not found.shapes:
        return NONE
    if found.convolved_later:
        return f"convolutions mix its tokens too, which attention alone does not tell; {INSTEAD}"
    attentions = [layer for layer in found.layers if not isinstance(layer.place, Merge)]
    if all(layer.place for layer in attentions):
        return found.layers
    shape, tokens = found.shapes[0], found.shapes[0][-1]
    if {*found.shapes} != {shape} or len(shape) > 4 or shape[0] != images or shape[-2] != tokens:
        return f"its attentions are not all among the same tokens (shapes: {sorted({*found.shapes})}); {INSTEAD}"
    grids = [grid for grid in found.grids if 0 <= tokens - grid[0] * grid[1] <= EXTRA]
    if not grids:
        return f"its {tokens} tokens are not the cells of a convolution and up to {EXTRA} before them; {INSTEAD}"
    place = Tokens(tokens - grids[-1][0] * grids[-1][1], grids[-1])
    if slopes and place.extra and slopes[-1][..., 1:, :].any():
        return OTHERS
    return [Layer(place, layer.weights) for layer in attentions]


def _settled(layers: list[Layer] | str) -> list[Layer]:
    if isinstance(layers, str):
        raise ValueError(f"attention cannot explain this model: {layers}")
    return layers
