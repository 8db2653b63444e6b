"""Ablation-CAM: a feature map weighs as much as the logit drops without it (Ramaswamy et al., 2020, eq. 5).

The weight is (logit - logit without the map) / |logit|: the share keeps its sign where the logit is negative.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from saliency_benchmark import batching, gradients, layers
from saliency_benchmark.explaining import cams

GROUP = "cam"
outputs = cams.outputs


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> torch.Tensor:
    """One forward pass per feature map, or of what lies behind LAYER alone, where that can be had."""
    features, _ = cams.read(model, images, targets, layer)
    with torch.inference_mode():
        apart = _apart(model, images[:1], layer)
        pairs = zip(images.split(1), targets.split(1), strict=True)
        weights = [_drops(model, *pair, layer, features.shape[1], apart) for pair in pairs]
    weights = torch.stack(weights).to(features)
    return cams.draw(cams.weighted(features, weights, relu), images)


def _drops(
    model: nn.Module, image: torch.Tensor, target: torch.Tensor, layer: str, count: int, apart: bool
) -> torch.Tensor:
    """The share of the target's logit that each of the COUNT feature maps of one image takes with it, (feature)."""
    layout = layers.layout(model, layer, image)
    # Alone as well: rounding differs between batches of other sizes, and drops may be small.
    logit, found = gradients.chosen(model(image), target), []
    for span in batching.spans(count, 1):
        places = torch.arange(span.start, span.stop, device=image.device)

        def remove(output: torch.Tensor, places: torch.Tensor = places) -> torch.Tensor:
            return layout.without(output.expand(len(places), *output.shape[1:]), places)

        with _changed(model, layer, remove):
            outputs = model(image if apart else image.repeat(len(span), 1, 1, 1))
        found.append(gradients.chosen(outputs, target.expand(len(span))))
    return (logit - torch.cat(found)) / logit.abs().clamp_min(torch.finfo(logit.dtype).tiny)


def _apart(model: nn.Module, image: torch.Tensor, layer: str) -> bool:
    """Can what lies behind LAYER be given several feature maps of one image, that were computed once?

    It cannot where it is joined with what lies before in a way that minds the number of images.
    """
    alone = model(image)
    try:
        with _changed(model, layer, lambda output: torch.cat([output, torch.zeros_like(output)])):
            both = model(image)
    except RuntimeError:
        return False
    return both.shape == (2, *alone.shape[1:]) and torch.allclose(both[0], alone[0], 1e-3, 1e-4)


@contextmanager
def _changed(model: nn.Module, layer: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
    """Within, LAYER gives CHANGE(its output)."""
    handle = model.get_submodule(layer).register_forward_hook(lambda module, inputs, output: change(output))
    try:
        yield
    finally:
        handle.remove()
