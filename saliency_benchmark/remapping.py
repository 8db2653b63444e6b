"""New maps of images by a network whose parameters were drawn anew, against the old ones."""

import torch
from torch import nn

from saliency_benchmark import noise as chance
from saliency_benchmark import randomising, similarity
from saliency_benchmark.asking import Asked


def randomised(
    asked: Asked,
    maps: torch.Tensor,
    *,
    order: str,
    steps: int,
    seed: int,
    samples: int = 1,
    noise: float = 0.1,
    signed: bool = False,
    bins: int = 100,
) -> dict[str, torch.Tensor]:
    """How alike the maps of a network are to MAPS while its modules are drawn anew (`randomising.stages`).

    `spearman`, `ssim` (image, stage); `spearman_full`, `ssim_full` (image): all modules drawn anew; `complexity`,
    `complexity_full` (image): entropy of the signed map's histogram of BINS bins before and after, in nats. Maps count
    by magnitude of the sum over the channels, or SIGNED. SAMPLES > 1: means over the image and noisy copies, whose
    deviation is NOISE times the image's range; every network sees the same copies.
    """
    network, chances = asked.classifier.network, (samples, noise, seed)
    names = randomising.modules(network, asked.inputs)
    before = after = _smooth(asked, maps, None, *chances)
    known, found = _Known(similarity.per_pixel(before, signed)), []
    for other in randomising.stages(network, names, order, steps, seed):
        after = _smooth(asked, None, other, *chances)
        found.append(known.alike(similarity.per_pixel(after, signed)))
    if order == "independent":
        after = _smooth(asked, None, randomising.redrawn(network, names, seed), *chances)
    full = known.alike(similarity.per_pixel(after, signed)) if order == "independent" else found[-1]
    return {
        **{name: torch.stack([each[name] for each in found], 1) for name in full},
        **{f"{name}_full": values for name, values in full.items()},
        "complexity": similarity.entropy(similarity.per_pixel(before, True), bins),
        "complexity_full": similarity.entropy(similarity.per_pixel(after, True), bins),
    }


class _Known:
    """A map that many are compared with: its pixels are ranked once."""

    def __init__(self, maps: torch.Tensor) -> None:
        self._maps, self._ranks = maps, similarity.ranks(maps)

    def alike(self, maps: torch.Tensor) -> dict[str, torch.Tensor]:
        ranked = similarity.correlation(self._ranks, similarity.ranks(maps))
        return {"spearman": ranked, "ssim": similarity.ssim(self._maps, maps)}


def _smooth(
    asked: Asked, maps: torch.Tensor | None, network: nn.Module | None, samples: int, noise: float, seed: int
) -> torch.Tensor:
    """Mean map by NETWORK of the images and SAMPLES - 1 noisy copies; MAPS: those of the images, where known."""
    if samples < 1:
        raise ValueError(f"{samples} samples; wanted: at least one, the image itself")
    images = asked.inputs
    total = asked.explain(images, asked.targets, network=network) if maps is None else maps
    spread = noise * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
    generators = [chance.generator("smooth", seed, int(image)) for image in asked.index]
    for _ in range(samples - 1):
        copies = images + spread * chance.normal(images, generators)
        total = total + asked.explain(copies, asked.targets, network=network).reshape(total.shape)
    return total / samples
