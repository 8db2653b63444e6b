"""DeconvNet: at every ReLU positive gradients pass, whatever the activation (Zeiler and Fergus, 2014, section 2.1).

Signed. Every ReLU and ReLU6 of the forward pass counts, also functional and reused ones; other activations pass the
plain gradient, and a model that calls no ReLU is refused. Max pooling passes gradients to its winner, the paper's
switches. captum sees ReLU modules only.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import relus

GROUP = "backpropagation"
unsuited = relus.unsuited


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return relus.backward(model, images, targets, relus.reversed_relu)


def outputs(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    return relus.outputs(model, images, relus.reversed_relu)
