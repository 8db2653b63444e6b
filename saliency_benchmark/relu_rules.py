"""Backward passes that treat every ReLU by a rule of their own: guided backprop and DeconvNet, by captum."""

import warnings

import torch
from torch import nn


def attribute(rule: type, model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """captum's RULE at every nn.ReLU. Raises ValueError where there is none: `functional.relu` goes unseen."""
    if not any(isinstance(module, nn.ReLU) for module in model.modules()):
        raise ValueError(f"{rule.__name__} found no nn.ReLU module in this model: use ReLU modules, or another method")
    with warnings.catch_warnings():
        # captum announces that it sets hooks and removes them; ours are restored in any case.
        warnings.filterwarnings("ignore", "Setting backward hooks on ReLU activations", UserWarning)
        return rule(model).attribute(images.detach().requires_grad_(True), targets)
