"""DeconvNet: at every ReLU positive gradients pass, whatever the activation (Zeiler and Fergus, 2014), by captum.

Only ReLU *modules* are seen: `functional.relu` is not.
"""

import torch
from captum.attr import Deconvolution
from torch import nn

from saliency_benchmark import relu_rules

GROUP = "backpropagation"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return relu_rules.attribute(Deconvolution, model, images, targets)
