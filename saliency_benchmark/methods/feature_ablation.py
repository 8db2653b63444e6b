"""Feature ablation: the drop of the target's output when one part of the image is hidden, part by part.

Parts are cells of a grid, or superpixels; each of a part's pixels takes the whole drop, as in captum (FeatureAblation
with these parts as its `feature_mask`), whose default hides single values of pixels instead. A hidden part shows the
mean colour; captum's default is the same number, 0.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import coalitions, parts

GROUP = "perturbation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    features: str = "grid",
    cell: int = 4,
    segments: int = 50,
    fill: str = "mean",
) -> torch.Tensor:
    """FEATURES: `grid`, cells of CELL x CELL pixels, or `superpixels`, about SEGMENTS of them.

    FILL: one of `fills.FILLS`, or `part_mean`, each part's own mean colour.
    """
    numbers = parts.numbered(images, features, cell, segments)
    stand_in = parts.stand_in(fill, images, numbers, black)
    without = coalitions.without(model, images, targets, stand_in, numbers)
    return parts.spread(coalitions.whole(model, images, targets)[:, None] - without, numbers)
