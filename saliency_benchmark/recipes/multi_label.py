"""One sigmoid per label: binary cross entropy, for images that can have several labels at once."""

import torch
from torch import nn
from torch.nn import functional

# It is told all labels of an image, (image, label), where the data set has them.
MULTI_LABEL = True


def loss(network: nn.Module, inputs: torch.Tensor, labels: torch.Tensor, *, generator: torch.Generator) -> torch.Tensor:
    """Mean over images and labels; labels (image, label) of 0 and 1, or (image): the only one that an image has."""
    logits = network(inputs)
    present = labels if labels.ndim == 2 else functional.one_hot(labels, logits.shape[1])
    return functional.binary_cross_entropy_with_logits(logits, present.to(logits))


def stackable(**options: object) -> bool:
    return True
