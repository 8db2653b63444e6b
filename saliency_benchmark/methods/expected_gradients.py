"""Expected gradients (Erion et al., 2021, eq. 5): integrated gradients averaged over baselines from the training set.

Each sample draws one training image and one position on the path from it, uniformly; there is no noise. Signed;
default: 32 samples. With one sample per training image and position this estimates the same integral as many runs of
integrated gradients would. shap's GradientExplainer is this estimator, with 200 samples.
"""

import torch
from torch import nn

from saliency_benchmark import gradients
from saliency_benchmark.explaining import paths

GROUP = "backpropagation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    background: torch.Tensor,
    samples: int = 32,
    seed: int = 0,
) -> torch.Tensor:
    """BACKGROUND: the baselines, normalised images. One forward and backward pass per sample."""
    return paths.expected(model, images, targets, background, samples=samples, spread=0.0, seed=seed)


def total(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, *, background: torch.Tensor) -> torch.Tensor:
    """f(image) - mean of f(background): the map's sum in expectation; the gap shrinks as 1 / sqrt(samples)."""
    outputs = gradients.chosen(gradients.plain(model, images), targets)
    return outputs.double() - paths.mean_output(model, background)[targets]
