"""Training images mirrored and moved by chance, on the device; inputs are (image, channel, row, column)."""

import torch
from torch.nn import functional


def draw(images: int, flip: bool, crop: int, generator: torch.Generator) -> torch.Tensor:
    """Chance for an epoch of IMAGES, (image, 3): mirrored or not, and the row and column where the crop begins."""
    coin = torch.rand(images, 1, generator=generator) < 0.5 if flip else torch.zeros(images, 1)
    corner = torch.randint(0, 2 * crop + 1, (images, 2), generator=generator) if crop else torch.zeros(images, 2)
    return torch.cat([coin.long(), corner.long()], 1)


def augment(inputs: torch.Tensor, chance: torch.Tensor, flip: bool, crop: int) -> torch.Tensor:
    """INPUTS cut out, at their own size, of themselves within CROP pixels of 0 (the mean colour); then mirrored.

    CHANCE (image, 3) as `draw` gives it; FLIP: half of them are mirrored.
    """
    coin = chance[:, 0].bool()
    if not crop:
        return torch.where(coin[:, None, None, None], inputs.flip(3), inputs) if flip else inputs
    rows = torch.arange(inputs.shape[2], device=inputs.device) + chance[:, 1, None]
    columns = torch.arange(inputs.shape[3], device=inputs.device) + chance[:, 2, None]
    columns = torch.where(coin[:, None], columns.flip(1), columns)
    images = torch.arange(len(inputs), device=inputs.device)[:, None, None]
    padded = functional.pad(inputs, [crop] * 4)
    return padded[images, :, rows[:, :, None], columns[:, None]].permute(0, 3, 1, 2)
