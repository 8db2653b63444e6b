"""LIME: coefficients of a ridge regression on images with parts hidden at random (Ribeiro et al., 2016, section 3.4).

As in the package lime: each part is hidden with probability 1/2, the first sample is the image itself; a sample weighs
sqrt(exp(-d^2 / WIDTH^2)), d its cosine distance from the image; ridge with penalty ALPHA = 1 and an intercept. Unlike
there, what is explained is the model's output (there always a probability), the superpixels are SLIC's (quickshift's),
hidden parts show the mean colour (`part_mean` there), and 500 samples are drawn (1000). The pixels of a part share its
coefficient equally, so that sums over regions mean something; the packages lime and captum give it to every pixel.
"""

import torch
from torch import nn

from saliency_benchmark import noise
from saliency_benchmark.explaining import coalitions, parts

GROUP = "perturbation"


def attribute(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    features: str = "superpixels",
    cell: int = 4,
    segments: int = 50,
    samples: int = 500,
    width: float = 0.25,
    alpha: float = 1.0,
    fill: str = "mean",
    seed: int = 0,
) -> torch.Tensor:
    """One forward pass per sample, drawn for each image by SEED.

    FEATURES: `grid`, cells of CELL x CELL pixels, or `superpixels`, about SEGMENTS of them. FILL: one of `fills.FILLS`,
    or `part_mean`, each part's own mean colour.
    """
    numbers = parts.numbered(images, features, cell, segments)
    generators = noise.per_image(images, "lime", seed)
    shown = [draw(samples, count, one) for count, one in zip(parts.counts(numbers), generators, strict=True)]
    stand_in = parts.stand_in(fill, images, numbers, black)
    outputs = coalitions.outputs(model, images, targets, stand_in, numbers, coalitions.stacked(shown)).cpu()
    found = [fit(one, output, width, alpha) for one, output in zip(shown, outputs, strict=True)]
    values = nn.utils.rnn.pad_sequence(found, batch_first=True)
    return parts.share(values.to(images), numbers)


def draw(samples: int, count: int, generator: torch.Generator) -> torch.Tensor:
    """Which of COUNT parts each sample shows, (sample, part): the first all, the others a random half."""
    shown = torch.rand(samples, count, generator=generator) < 0.5
    shown[0] = True
    return shown


def fit(shown: torch.Tensor, outputs: torch.Tensor, width: float, alpha: float) -> torch.Tensor:
    """Coefficients (part), float64, of the weighted ridge regression of OUTPUTS (sample) on SHOWN (sample, part)."""
    shown, outputs = shown.double(), outputs.double()
    # Cosine similarity of a vector of zeros and ones with the vector of ones.
    distance = 1 - shown.mean(1).sqrt()
    weights = (-((distance / width) ** 2)).exp().sqrt()
    means = weights / weights.sum()
    centred = shown - means @ shown
    normal = centred.T @ (weights[:, None] * centred) + alpha * torch.eye(shown.shape[1], dtype=torch.float64)
    return torch.linalg.solve(normal, centred.T @ (weights * (outputs - means @ outputs)))
