"""Adversarial images by projected gradient descent (Madry et al., 2018)."""

import torch
from torch.nn import functional

from saliency_benchmark.classifier import Classifier
from saliency_benchmark.preserving import preserved


def pgd(
    classifier: Classifier,
    inputs: torch.Tensor,
    labels: torch.Tensor,
    generator: torch.Generator,
    *,
    radius: float = 1 / 255,
    step: float = 2 / 255,
    steps: int = 4,
    random_start: bool = True,
) -> torch.Tensor:
    """Images within RADIUS (L-infinity, pixels in [0, 1]) on which the cross entropy of LABELS is higher.

    inputs and result are network input; untargeted; from the image itself, or from a random place in the ball
    (RANDOM_START); the network is in evaluation mode meanwhile, and left as it was. Where INPUTS lie outside [0, 1], as
    softly masked ones may by a little, pixels end at the nearest colour.
    """
    mean, deviation = classifier.mean[:, None, None], classifier.deviation[:, None, None]
    clean = inputs * deviation + mean
    pixels = clean.clamp(0, 1)
    if random_start:
        start = (2 * torch.rand(clean.shape, generator=generator).to(clean.device) - 1) * radius
        pixels = (clean + start).clamp(0, 1)
    with preserved(classifier.network) as network:
        for _ in range(steps):
            pixels.requires_grad_(True)
            loss = functional.cross_entropy(network((pixels - mean) / deviation), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, pixels)
            pixels = pixels.detach() + step * gradient.sign()
            pixels = pixels.clamp(clean - radius, clean + radius).clamp(0, 1)
    return (pixels - mean) / deviation
