"""Seeded chance for tensors: drawn on the processor, so that every device sees the same numbers."""

from hashlib import sha256

import torch

from saliency_benchmark import seeds


def generator(*parts: object) -> torch.Generator:
    return torch.Generator().manual_seed(seeds.derive(*parts))


def per_image(images: torch.Tensor, *parts: object) -> list[torch.Generator]:
    """One generator per image, seeded by its pixels: an image draws the same numbers alone and in any batch."""
    return [generator(sha256(image.tobytes()).hexdigest(), *parts) for image in images.detach().cpu().numpy()]


def normal(images: torch.Tensor, generators: list[torch.Generator]) -> torch.Tensor:
    """Standard normal noise of the images' shape, each image from its own generator."""
    drawn = [torch.randn(images.shape[1:], generator=each, dtype=images.dtype) for each in generators]
    return torch.stack(drawn).to(images.device)
