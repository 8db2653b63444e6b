"""Guided backpropagation: negative gradients stop at every ReLU (Springenberg et al., 2015), by captum.

Only ReLU *modules* are guided: `functional.relu` goes unseen.
"""

import torch
from captum.attr import GuidedBackprop
from torch import nn

from saliency_benchmark import relu_rules

GROUP = "backpropagation"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return relu_rules.attribute(GuidedBackprop, model, images, targets)
