"""Score-CAM: a feature map weighs what the image, seen through it, gives the class (Wang et al., 2020, eq. 5 to 8).

Each map is drawn at the image's size and min-max scaled per image; the weights are a softmax over the maps' logits.
"""

import torch
from torch import nn

from saliency_benchmark import batching
from saliency_benchmark.explaining import cams, coalitions

GROUP = "cam"
ALSO = "recent"
outputs = cams.outputs


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> torch.Tensor:
    """One forward pass per feature map; a constant feature map lets nothing through."""
    features, _ = cams.read(model, images, targets, layer)
    logits = features.new_empty(features.shape[:2])
    with torch.inference_mode():
        for span in batching.spans(features.shape[1], len(images)):
            masks = _masks(features[:, span.start : span.stop], images)
            logits[:, span.start : span.stop] = coalitions.answer(model, images[:, None] * masks[:, :, None], targets)
    return cams.draw(cams.weighted(features, logits.softmax(1), relu), images)


def _masks(features: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Feature maps drawn at the images' size, each min-max scaled: (image, feature, row, column)."""
    shown = cams.draw(features.flatten(0, 1), images).unflatten(0, features.shape[:2])
    low, high = shown.amin((2, 3), keepdim=True), shown.amax((2, 3), keepdim=True)
    return (shown - low) / (high - low).clamp_min(torch.finfo(shown.dtype).tiny)
