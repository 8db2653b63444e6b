"""Layer-wise relevance propagation through zennit: shared by the methods that differ in their rules alone."""

import torch
from torch import nn

from saliency_benchmark import compat


def propagate(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, composite: str, **options: object
) -> torch.Tensor:
    """Relevance by zennit's COMPOSITE, (image, channel, row, column).

    Batch norm is merged into the layer before it, and the sums in the blocks of torchvision's ResNets share relevance
    instead of doubling it.

    The start is one-hot, so an image's relevance sums to 1 where the rules conserve it (biases absorb a part). zennit's
    own default starts with the logit, whose sign flips maps.
    """
    compat.torchvision()
    from zennit import composites
    from zennit.attribution import Gradient
    from zennit.torchvision import ResNetCanonizer

    rules = getattr(composites, composite)(canonizers=[ResNetCanonizer()], **options)
    with Gradient(model, rules) as attributor:
        _, relevance = attributor(images, lambda output: torch.zeros_like(output).scatter_(1, targets[:, None], 1))
    return relevance
