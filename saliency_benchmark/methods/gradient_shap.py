"""GradientSHAP (Lundberg and Lee, 2017, as in captum and shap): expected gradients of noisy copies of the image.

Each sample draws Gaussian noise on the image, a baseline from the training images, and a position between both; the map
is the mean of (noisy image - baseline) times the gradient there. Signed; default: 32 samples, noise of a deviation of
0.1 times the image's own range. captum draws 5 samples, and its noise is absolute and 0 unless asked for: without noise
this is expected gradients. It promises no total: the noisy copies' mean output is not the image's.
"""

import torch
from torch import nn

from saliency_benchmark.explaining import paths

GROUP = "backpropagation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    background: torch.Tensor,
    samples: int = 32,
    noise: float = 0.1,
    seed: int = 0,
) -> torch.Tensor:
    """BACKGROUND: the baselines, normalised images. One forward and backward pass per sample."""
    return paths.expected(model, images, targets, background, samples=samples, spread=noise, seed=seed)
