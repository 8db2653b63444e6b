"""Gradients summed along straight paths from baselines to images.

As many steps run at a time as fit beside the images, and their sum grows in place: memory does not depend on steps.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import nn

from saliency_benchmark import batching, gradients, noise, sharing

RULES = ("gausslegendre", "riemann_trapezoid", "riemann_left", "riemann_right", "riemann_middle")


def quadrature(rule: str, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions in [0, 1] and weights of RULE, (step) each; the weights sum to 1. Raises ValueError for no rule."""
    if rule not in RULES:
        raise ValueError(f"no rule {rule!r}; there are: {', '.join(RULES)}")
    least = 2 if rule == "riemann_trapezoid" else 1
    if steps < least:
        raise ValueError(f"{steps} steps by {rule}; wanted: at least {least}")
    if rule == "gausslegendre":
        positions, weights = np.polynomial.legendre.leggauss(steps)
        return (1 + positions) / 2, weights / 2
    if rule == "riemann_trapezoid":
        weights = np.full(steps, 1 / (steps - 1))
        weights[[0, -1]] /= 2
        return np.linspace(0, 1, steps), weights
    offset = {"riemann_left": 0, "riemann_middle": 0.5, "riemann_right": 1}[rule]
    return (np.arange(steps) + offset) / steps, np.full(steps, 1 / steps)


def integrated(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, baseline: torch.Tensor, rule: str, steps: int
) -> torch.Tensor:
    """(images - BASELINE) times the weighted sum of the gradients at the STEPS positions of RULE between them."""
    positions, weights = quadrature(rule, steps)
    difference = images - baseline
    total = torch.zeros_like(images)

    def point(step: int) -> torch.Tensor:
        return torch.add(baseline, difference, alpha=float(positions[step]))

    _walk(model, targets, steps, point, lambda step, slope: total.add_(slope, alpha=float(weights[step])))
    return total.mul_(difference)


def integrated_live(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, baseline: torch.Tensor, rule: str, steps: int
) -> list[Callable[[], torch.Tensor]]:
    """As `integrated`, differentiable by the weights, in parts of as many steps as fit."""
    positions, weights = quadrature(rule, steps)
    difference = images - baseline

    def part(span: range) -> torch.Tensor:
        copies = torch.cat([torch.add(baseline, difference, alpha=float(positions[step])) for step in span])
        slopes = gradients.live(model, copies, targets.repeat(len(span))).unflatten(0, (len(span), -1))
        return difference * torch.tensordot(torch.from_numpy(weights[span.start : span.stop]).to(slopes), slopes, 1)

    return [partial(part, span) for span in batching.spans(steps, len(targets))]


def expected(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    background: torch.Tensor,
    *,
    samples: int,
    spread: float,
    seed: int,
) -> torch.Tensor:
    """Mean over SAMPLES of (image - baseline) times the gradient at a uniform position between them.

    Each sample draws a baseline of BACKGROUND with replacement, a position, and Gaussian noise on the image whose
    deviation is SPREAD times the image's own range; each image draws from a generator of its own.
    """
    generators = noise.per_image(images, "path", seed)
    deviation = spread * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
    total, differences = torch.zeros_like(images), {}

    def point(sample: int) -> torch.Tensor:
        baseline, position = _drawn(background, generators)
        shown = images + deviation * noise.normal(images, generators) if spread else images
        differences[sample] = shown - baseline
        return baseline + position * differences[sample]

    def add(sample: int, slope: torch.Tensor) -> None:
        total.addcmul_(differences.pop(sample), slope, value=1 / samples)

    _walk(model, targets, samples, point, add)
    return total


def _drawn(background: torch.Tensor, generators: list[torch.Generator]) -> tuple[torch.Tensor, torch.Tensor]:
    """A baseline and a position for each image, from its own generator."""
    chosen = torch.cat([torch.randint(len(background), (1,), generator=each) for each in generators])
    position = torch.cat([torch.rand(1, generator=each) for each in generators])
    baseline = background[chosen.to(background.device)]
    return baseline, position.to(baseline)[:, None, None, None]


def _walk(
    model: nn.Module,
    targets: torch.Tensor,
    steps: int,
    point: Callable[[int], torch.Tensor],
    add: Callable[[int, torch.Tensor], object],
) -> None:
    """ADD(step, gradient) at POINT(step) for every step, in order."""
    for span in batching.spans(steps, len(targets)):
        copies = torch.cat([point(step) for step in span]).contiguous(memory_format=torch.channels_last)
        slopes = gradients.slope(model, copies, targets.repeat(len(span)))
        for step, slope in zip(span, slopes.split(len(targets)), strict=True):
            add(step, slope)


def gain(model: nn.Module, images: torch.Tensor, targets: torch.Tensor, baseline: torch.Tensor) -> torch.Tensor:
    """f(image) - f(baseline) of each target, (image). A baseline that all images share is asked once."""
    begin = baseline[:1] if (baseline == baseline[:1]).all() else baseline
    with torch.no_grad():
        before = model(begin).expand(len(baseline), -1)
    return gradients.chosen(gradients.plain(model, images), targets) - gradients.chosen(before, targets)


@sharing.once
def mean_output(model: nn.Module, background: torch.Tensor) -> torch.Tensor:
    """Mean output over BACKGROUND, (class)."""
    with torch.no_grad():
        outputs = [model(part).double() for part in background.split(batching.rows())]
    return torch.cat(outputs).mean(0)
