"""FP: cross entropy on the images, and on them perturbed as the faithfulness metrics do (arXiv 2311.17876)."""

import torch
from torch import nn

from saliency_benchmark.classifier import Classifier
from saliency_benchmark.recipes import composed


def loss(
    network: nn.Module,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    *,
    generator: torch.Generator,
    classifier: Classifier,
    clean_weight: float = 1.0,
    perturbed_weight: float = 1.0,
) -> torch.Tensor:
    """A sum, not a mean: l(f(x)) + l(f(x perturbed)); the maps are the network's own last feature maps, as they are."""
    weights = {"clean": clean_weight, "masked": perturbed_weight}
    return composed.loss(
        network, inputs, labels, generator=generator, classifier=classifier, parts=("fp",), weights=weights
    )
