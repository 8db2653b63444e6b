"""LRP, EpsilonPlus: epsilon rule in dense layers, z+ rule in convolutions (Montavon et al., 2019).

By zennit, with batch norm merged into the layer before it. The start is one-hot, so all of an image's relevance sums to
1 where the rules conserve it (biases absorb a part); zennit's own default starts with the logit, whose sign flips maps.
"""

import torch
from torch import nn

from saliency_benchmark import compat

GROUP = "backpropagation"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, epsilon: float = 1e-6) -> torch.Tensor:
    compat.torchvision()
    from zennit.attribution import Gradient
    from zennit.canonizers import SequentialMergeBatchNorm
    from zennit.composites import EpsilonPlus

    composite = EpsilonPlus(epsilon=epsilon, canonizers=[SequentialMergeBatchNorm()])
    with Gradient(model, composite) as attributor:
        _, relevance = attributor(images, lambda output: torch.zeros_like(output).scatter_(1, targets[:, None], 1))
    return relevance
