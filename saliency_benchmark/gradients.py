"""Gradients of what is explained with respect to images: shared by every method that needs them."""

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from saliency_benchmark import sharing


@sharing.once
def gradient(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Gradient of each image's target output, signed, (image, channel, row, column)."""
    leaf, found = traced(model, images)
    traced.forget(model, images)  # one backward pass frees the graph as it goes, which is faster than keeping it
    return torch.autograd.grad(chosen(found, targets).sum(), leaf)[0]


def begun(model: nn.Module, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The images as a leaf of the graph, and the outputs that depend on it: good for one backward pass."""
    with torch.enable_grad():
        leaf = images.detach().requires_grad_(True)
        return leaf, model(leaf)


traced = sharing.once(begun)


@sharing.once
def plain(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What the network gives, without a graph."""
    with torch.no_grad():
        return model(images)


@sharing.once
def passed(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What the network gives, with the graph of its weights: an explanation that has it keeps it here for others."""
    return model(images)


def live(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """As `gradient`, and differentiable by the weights."""
    # The fused kernels of attention have no second derivative.
    with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        leaf, found = begun(model, images)
        passed.keep(found, model, images)
        return torch.autograd.grad(chosen(found, targets).sum(), leaf, create_graph=True)[0]


def outputs(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What the network gives, from the pass that `gradient` goes back through."""
    return traced(model, images)[1].detach()


def slope(model: nn.Module, images: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """As `gradient`, but never kept for others: for copies of images, which nobody else will see."""
    leaf, found = begun(model, images)
    return torch.autograd.grad(chosen(found, targets).sum(), leaf)[0]


def chosen(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The target's output of each image, (image). A class that is not there raises an error."""
    return outputs.gather(1, targets[:, None])[:, 0]
