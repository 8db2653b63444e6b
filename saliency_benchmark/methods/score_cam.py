"""Score-CAM: a feature map weighs what the image, seen through it, gives the class (Wang et al., 2020, eq. 5 to 8).

Each map is drawn at the image's size and min-max scaled per image; the weights are a softmax over the maps' logits.
"""

import torch
from torch import nn

from saliency_benchmark import cams

GROUP = "cam"


def attribute(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, layer: str, relu: bool = True
) -> torch.Tensor:
    """One forward pass per feature map; a constant feature map lets nothing through."""
    features, _ = cams.read(model, images, targets, layer)
    logits = []
    with torch.no_grad():
        for place in range(features.shape[1]):
            shown = cams.draw(features[:, place], images)
            low, high = shown.amin((1, 2), keepdim=True), shown.amax((1, 2), keepdim=True)
            mask = torch.where(high > low, (shown - low) / torch.where(high > low, high - low, 1), 0)
            logits.append(model(images * mask[:, None]).gather(1, targets[:, None]))
    return cams.draw(cams.weighted(features, torch.cat(logits, 1).softmax(1), relu), images)
