"""Guided backpropagation: the gradient, without what is negative at any ReLU (Springenberg et al., 2015, section 3.4).

Signed. Every ReLU and ReLU6 of the forward pass is guided, also functional and reused ones; other activations pass the
plain gradient, and a model that calls no ReLU is refused. captum sees ReLU modules only, and silently gives the plain
gradient at a functional one. It resembles an edge detector and may stay the same when the model's weights are
randomised (Adebayo et al., 2018): compare it with the controls.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import relus

GROUP = "backpropagation"
unsuited = relus.unsuited


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return relus.backward(model, images, targets, relus.guided)


def outputs(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    return relus.outputs(model, images, relus.guided)
