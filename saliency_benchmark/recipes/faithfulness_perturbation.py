"""FP: cross entropy on the images, and on them perturbed as the faithfulness metrics do (arXiv 2311.17876)."""

import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import perturbing


def loss(
    network: nn.Module,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    generator: torch.Generator,
    layer: str,
    clean_weight: float = 1.0,
    perturbed_weight: float = 1.0,
) -> torch.Tensor:
    """A sum, not a mean: l(f(x)) + l(f(x perturbed)); the maps are the network's own last feature maps, as they are."""
    with perturbing.features_of(network, layer, inputs) as features:
        clean = functional.cross_entropy(network(inputs), labels)
    perturbed = perturbing.draw(inputs, features[0].detach(), generator)
    return clean_weight * clean + perturbed_weight * functional.cross_entropy(network(perturbed), labels)
