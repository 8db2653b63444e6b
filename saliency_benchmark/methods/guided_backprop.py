"""Guided backpropagation: negative gradients stop at every ReLU (Springenberg et al., 2015), by captum.

Only ReLU *modules* are guided: `functional.relu` goes unseen.
"""

import warnings

import torch
from captum.attr import GuidedBackprop
from torch import nn

GROUP = "backpropagation"


def attribute(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    if not any(isinstance(module, nn.ReLU) for module in model.modules()):
        raise ValueError("guided backprop found no nn.ReLU module in this model: use ReLU modules, or another method")
    with warnings.catch_warnings():
        # captum announces that it sets hooks and removes them; ours are restored in any case.
        warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations", UserWarning)
        return GuidedBackprop(model).attribute(images.detach().requires_grad_(True), targets)
