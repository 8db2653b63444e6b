"""Methods made of another method's maps: of noisy copies of the image, or of a single map."""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import nn

from saliency_benchmark import batching, calling, gradients, registry, sharing
from saliency_benchmark import noise as chance


def base_method(name: str, given: dict | None, options: dict | None = None) -> Callable:
    """The method NAME of methods/ with OPTIONS, as a function of model, images and targets."""
    if name == "gradient":
        return gradients.gradient
    return partial(_call, registry.load("methods", name, {}).attribute, given or {}, options or {})


def _call(
    attribute: Callable, given: dict, options: dict, model: nn.Module, images: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    return calling.call(attribute, model, images, targets, given=given, options=options)


def unsuited(
    model: nn.Module,
    shape: tuple[int, int, int],
    *,
    given: dict,
    base: str = "gradient",
    base_options: dict | None = None,
) -> str | None:
    """What the base says of MODEL."""
    asked = getattr(registry.load("methods", base, {}), "unsuited", None)
    return asked and calling.part(asked, model, shape, given=given, options=base_options or {})


@sharing.once
def moments(
    model: nn.Module,
    images: torch.Tensor,
    targets: torch.Tensor,
    given: dict | None,
    *,
    base: str,
    base_options: dict | None,
    samples: int,
    noise: float,
    seed: int,
) -> dict[str, torch.Tensor]:
    """`mean`, mean of the `square` and `variance` (divided by SAMPLES) of the maps of SAMPLES noisy copies."""
    mean = square = scatter = torch.zeros((), device=images.device)
    maps = noisy(base_method(base, given, base_options), model, images, targets, samples, noise, seed)
    # Welford's update: no difference of two large numbers, one copy in memory.
    for number, one in enumerate(maps, 1):
        step = one - mean
        mean = mean + step / number
        scatter = scatter + step * (one - mean)
        square = square + one**2 / samples
    return {"mean": mean, "square": square, "variance": scatter / samples}


def noisy(
    base: Callable, model: nn.Module, images: torch.Tensor, targets: torch.Tensor, samples: int, noise: float, seed: int
) -> Iterator[torch.Tensor]:
    """Maps of SAMPLES noisy copies; the noise's deviation is NOISE times each image's own range (max - min)."""
    for copies in noisy_copies(images, samples, noise, seed):
        number = len(copies) // len(images)
        with sharing.apart():
            maps = base(model, copies, targets.repeat(number))
        yield from maps.split(len(images))


def noisy_copies(images: torch.Tensor, samples: int, noise: float, seed: int) -> Iterator[torch.Tensor]:
    """SAMPLES copies of all images in turn, as many at a time as fit: (sample x image, channel, row, column)."""
    spread = noise * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
    generators = chance.per_image(images, "noise", seed)
    for span in batching.spans(samples, len(images)):
        copies = torch.cat([images + spread * chance.normal(images, generators) for _ in span])
        yield copies.contiguous(memory_format=torch.channels_last)


def mean_live(
    model: nn.Module, images: torch.Tensor, targets: torch.Tensor, samples: int, noise: float, seed: int
) -> list[Callable[[], torch.Tensor]]:
    """The mean gradient of noisy copies, differentiable by the weights, in parts of as many copies as fit."""

    def part(copies: torch.Tensor) -> torch.Tensor:
        number = len(copies) // len(images)
        return gradients.live(model, copies, targets.repeat(number)).unflatten(0, (number, -1)).sum(0) / samples

    return [partial(part, copies) for copies in noisy_copies(images, samples, noise, seed)]
