"""Feature permutation: the mean drop of the target's output when a part shows what other images have there.

The importance of permuted features (Breiman, 2001; Fisher et al., 2019) for one image: its parts come from
training images, drawn for each image by the seed. captum permutes parts within the batch, so that there a map depends
on the images that happen to stand beside it; alone, an image has a map of zeros.
"""

import torch
from torch import nn

from saliency_benchmark import noise
from saliency_benchmark.explaining import coalitions, parts

GROUP = "perturbation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    background: torch.Tensor,
    features: str = "grid",
    cell: int = 4,
    segments: int = 50,
    samples: int = 10,
    seed: int = 0,
) -> torch.Tensor:
    """SAMPLES images of BACKGROUND for each image, or all where there are no more; each pixel takes its part's drop.

    FEATURES: `grid`, cells of CELL x CELL pixels, or `superpixels`, about SEGMENTS of them. One forward pass per part
    and sample, and one more.
    """
    numbers = parts.numbered(images, features, cell, segments)
    generators = noise.per_image(images, "permutation", seed)
    drawn = torch.stack([torch.randperm(len(background), generator=each)[:samples] for each in generators])
    without = [
        coalitions.without(model, images, targets, background[others].to(images), numbers)
        for others in drawn.to(background.device).T
    ]
    drops = coalitions.whole(model, images, targets)[:, None] - torch.stack(without).mean(0)
    return parts.spread(drops, numbers)
