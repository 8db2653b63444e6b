"""KernelSHAP: Shapley values of the image's parts by weighted least squares (Lundberg and Lee, 2017, theorem 2).

The game's value is the target's output with the other parts hidden. That the values sum to output - output with all
hidden is a constraint, kept exactly, not two samples of a large weight as in captum. Where SAMPLES suffice for all
coalitions they are enumerated, and the values are exact; otherwise the sizes are drawn by the Shapley kernel, and each
coalition comes with its complement (Covert and Lee, 2021). 500 samples; the package shap takes 2048 + twice
the parts, captum 25. The pixels of a part share its value equally, so that a map sums to what the values sum to; other
packages give it to every pixel.
"""

import torch
from torch import nn

from saliency_benchmark import noise
from saliency_benchmark.explaining import coalitions, parts, shapley

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
    fill: str = "mean",
    seed: int = 0,
) -> torch.Tensor:
    """One forward pass per sample, drawn for each image by SEED, and two more.

    FEATURES: `grid`, cells of CELL x CELL pixels, or `superpixels`, about SEGMENTS of them. FILL: one of `fills.FILLS`,
    or `part_mean`, each part's own mean colour.
    """
    numbers = parts.numbered(images, features, cell, segments)
    stand_in = parts.stand_in(fill, images, numbers, black)
    generators = noise.per_image(images, "kernel_shap", seed)
    drawn = [shapley.drawn(samples, count, one) for count, one in zip(parts.counts(numbers), generators, strict=True)]
    shown = coalitions.stacked([one for one, _ in drawn])
    outputs = coalitions.outputs(model, images, targets, stand_in, numbers, shown)
    full, none = (coalitions.whole(model, each, targets)[:, None] for each in (images, stand_in))
    games = zip(drawn, (outputs - none).cpu(), (full - none).cpu(), strict=True)
    found = [shapley.solve(*one, gains[: len(one[0])], whole) for one, gains, whole in games]
    values = nn.utils.rnn.pad_sequence(found, batch_first=True)
    return parts.share(values.to(images), numbers)


def total(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    *,
    black: torch.Tensor | None = None,
    features: str = "superpixels",
    cell: int = 4,
    segments: int = 50,
    fill: str = "mean",
) -> torch.Tensor:
    """Output less output with all parts hidden, (image): what the Shapley values share out."""
    stand_in = parts.stand_in(fill, images, parts.numbered(images, features, cell, segments), black)
    return coalitions.whole(model, images, targets) - coalitions.whole(model, stand_in, targets)
