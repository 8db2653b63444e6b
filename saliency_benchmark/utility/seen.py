"""Items as simulated users see them: the image, the shifted one, what models predict, and maps as they are coloured.

All pictures are drawn small and cut into patches, the places where a user looks.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from torch.nn import functional

from saliency_benchmark.schemas import Arrays

# Pixels of the shorter side of what simulated users see, and of a patch's sides.
SIDE = 16
PATCH = 4


@dataclass(frozen=True)
class Seen:
    """pictures (item, place, value): pixels of each patch, in the image and behind it in the shifted one, -0.5 to 0.5.

    red, blue (item, shown, place): how much speaks for the class and against it in each patch of the maps, 0 to 1;
    predictions (item, shown, class): 1 for the class predicted; answer (item).
    """

    pictures: torch.Tensor
    red: torch.Tensor
    blue: torch.Tensor
    predictions: torch.Tensor
    answer: torch.Tensor

    def at(self, places: np.ndarray | torch.Tensor) -> "Seen":
        return Seen(*(getattr(self, field.name)[places] for field in fields(self)))


def see(questions: Arrays, maps: np.ndarray, classes: int) -> Seen:
    """What is shown of QUESTIONS with MAPS (item, shown, row, column)."""
    pictures = [questions[name] for name in ("image", "shifted") if name in questions]
    images = torch.from_numpy(np.concatenate(pictures, 1)).float() / 255 - 0.5
    predictions = functional.one_hot(torch.from_numpy(questions["prediction"]).long(), classes).float()
    unit = torch.from_numpy(scaled(maps))
    red, blue = (patches(part.flatten(0, 1)[:, None]) for part in (unit.clamp(min=0), (-unit).clamp(min=0)))
    red, blue = (part.mean(2).unflatten(0, unit.shape[:2]) for part in (red, blue))
    return Seen(patches(images), red, blue, predictions, torch.from_numpy(questions["answer"]).float())


def scaled(maps: np.ndarray) -> np.ndarray:
    """MAPS (..., row, column) as they are coloured: the 99th percentile of each one's |values| is 1, and none is above.

    A map whose percentile is 0 is scaled by its largest value, an empty one stays empty.
    """
    flat = maps.reshape(*maps.shape[:-2], -1)
    size = np.abs(flat)
    limit = np.percentile(size, 99, axis=-1, keepdims=True)
    limit = np.where(limit > 0, limit, size.max(-1, keepdims=True))
    unit = np.clip(flat / np.where(limit > 0, limit, 1), -1, 1)
    return unit.reshape(maps.shape).astype(np.float32)


def patches(images: torch.Tensor) -> torch.Tensor:
    """IMAGES (item, channel, row, column), drawn small, as patches (item, place, value)."""
    shorter = min(images.shape[2:])
    size = [max(1, round(length * SIDE / shorter / PATCH)) * PATCH for length in images.shape[2:]]
    small = functional.interpolate(images, size, mode="area")
    return functional.unfold(small, PATCH, stride=PATCH).transpose(1, 2).contiguous()


def joined(parts: list[Seen]) -> Seen:
    """The items of all PARTS, one after the other."""
    return Seen(*(torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Seen)))
