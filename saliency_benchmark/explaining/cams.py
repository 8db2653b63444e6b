"""Class activation maps: what all of them read at one layer, and how their cells become an image."""

import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from saliency_benchmark import gradients, layers, sharing

# Enough for two eigenvalues that differ by one part in 2 ** 40.
SQUARINGS = 45


def read(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, layer: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Feature maps at LAYER and the gradient of each target output there, both (image, feature, row, column)."""
    return passed(model, images, targets, layer)[:2]


@sharing.once
def passed(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, layer: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As `read`, and the model's outputs (image, class): one forward pass, and a backward pass as far as LAYER."""
    features, found = traced(model, images, layer)
    traced.forget(model, images, layer)
    gradient = torch.autograd.grad(gradients.chosen(found, targets).sum(), features)[0]
    layout = layers.layout(model, layer, images)
    return layout.maps(features.detach()), layout.maps(gradient), found.detach()


def outputs(model: nn.Module, images: torch.Tensor, *, layer: str) -> torch.Tensor:
    """What the network gives, from the pass that `read` goes back through."""
    return traced(model, images, layer)[1].detach()


@sharing.once
def traced(model: nn.Module, images: torch.Tensor, layer: str) -> tuple[torch.Tensor, torch.Tensor]:
    """What LAYER gives as a leaf of the graph, and the outputs that depend on it: good for one backward pass."""
    layers.layout(model, layer, images)  # a layer that gives no feature map is refused
    found: list[torch.Tensor] = []

    def begin(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        found.append(output.detach().requires_grad_(True))
        return found[-1].clone()  # what comes next may change its input in place

    handle = model.get_submodule(layer).register_forward_hook(begin)
    try:
        with torch.enable_grad():
            given = model(images.detach())
    finally:
        handle.remove()
    return found[-1], given


def live(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, layer: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """As `read`, and differentiable by the weights."""
    layout, found = layers.layout(model, layer, images), []

    def keep(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
        found.append(output)
        return output.clone()  # what comes next may change its input in place

    handle = model.get_submodule(layer).register_forward_hook(keep)
    try:
        with torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
            given = model(images.detach().requires_grad_(True))  # also where the layer's own weights are frozen
            gradients.passed.keep(given, model, images)
            score = gradients.chosen(given, targets).sum()
            gradient = torch.autograd.grad(score, found[-1], create_graph=True)[0]
    finally:
        handle.remove()
    return layout.maps(found[-1]), layout.maps(gradient)


def draw(cells: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
    """Cells (image, row, column) drawn bilinearly at the images' size; not normalised."""
    return functional.interpolate(cells[:, None], images.shape[2:], mode="bilinear", align_corners=False)[:, 0]


def weighted(features: torch.Tensor, weights: torch.Tensor, relu: bool) -> torch.Tensor:
    """Sum of the feature maps with one weight each: (image, feature, row, column), (image, feature) -> cells."""
    cells = torch.einsum("nkhw,nk->nhw", features, weights)
    return cells.relu() if relu else cells


def principal(maps: torch.Tensor) -> torch.Tensor:
    """MAPS (image, feature, row, column) projected on their first principal direction, not centred: cells.

    The direction's sign is arbitrary: here the projection agrees with the sum of the maps.
    """
    cells = maps.flatten(2).transpose(1, 2).double()  # (image, cell, feature)
    # The smaller Gram matrix has the same projection as a full decomposition, for a fraction of the work.
    if cells.shape[1] <= cells.shape[2]:
        gram = cells @ cells.transpose(1, 2)
        vector = _leading(gram)
        projected = vector * (vector[:, None] @ gram @ vector[:, :, None])[:, 0].clamp_min(0).sqrt()
    else:
        projected = (cells @ _leading(cells.transpose(1, 2) @ cells)[:, :, None])[:, :, 0]
    sign = torch.where((projected * cells.sum(2)).sum(1, keepdim=True) < 0, -1.0, 1.0)
    return (projected * sign).unflatten(1, maps.shape[2:]).to(maps.dtype)


def _leading(gram: torch.Tensor) -> torch.Tensor:
    """Unit eigenvector of the largest eigenvalue of each GRAM (image, n, n), symmetric and of no negative eigenvalue.

    Squared again and again, a matrix becomes the projection on it; a full decomposition is several times slower.
    """
    tiny = torch.finfo(gram.dtype).tiny
    for _ in range(SQUARINGS):
        trace = gram.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
        gram = gram / trace.clamp_min(tiny)
        if ((gram.square().sum((1, 2)) > 1 - 1e-14) | (trace[:, 0, 0] == 0)).all():
            break  # of rank one
        gram = gram @ gram
    columns = gram.diagonal(dim1=1, dim2=2).argmax(1)
    vector = gram[torch.arange(len(gram), device=gram.device), :, columns]
    return vector / vector.norm(dim=1, keepdim=True).clamp_min(tiny)
