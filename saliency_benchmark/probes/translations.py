"""New maps of the same class while the image moves, step by step (Montavon et al., 2018, section 7.1)."""

import numpy as np
import torch

from saliency_benchmark import distances
from saliency_benchmark.asking import Asked

EXPLAINS = True


def probe(
    asked: Asked, maps: torch.Tensor, *, steps: int = 8, stride: int = 1, fill: str = "mean"
) -> dict[str, torch.Tensor]:
    """The image moves to the right, STRIDE columns in each of STEPS steps; FILL stands where nothing moved to.

    Readings of each step against the one before, (image, step): `map_distance`, sum of the magnitudes of all entries'
    changes; `input_distance`, Euclidean, of pixels in [0, 1]; and `map_norm` (image), sum of the map's magnitudes.
    Raises ValueError where the image would be moved out of sight.
    """
    width = asked.inputs.shape[3]
    if steps < 1 or stride < 1 or steps * stride >= width:
        raise ValueError(
            f"{steps} steps of {stride} columns; wanted: at least one, and fewer than {width} columns in all"
        )
    images, known, found = asked.inputs, maps, []
    for step in range(1, steps + 1):
        copies = _moved(asked.inputs, asked.filled(fill), step * stride)
        new = _explain(asked, copies, step * stride).reshape(maps.shape)
        pixels = (copies - images) * asked.classifier.deviation[:, None, None]
        found.append((distances.norm(new - known, 1), distances.norm(pixels)))
        images, known = copies, new
    moved, changed = (torch.stack(each, 1) for each in zip(*found, strict=True))
    return {"map_norm": distances.norm(maps, 1), "map_distance": moved, "input_distance": changed}


def _moved(images: torch.Tensor, filled: torch.Tensor, columns: int) -> torch.Tensor:
    found = torch.cat([filled[..., :columns], images[..., :-columns]], 3)
    return found.contiguous(memory_format=torch.channels_last)


def _explain(asked: Asked, copies: torch.Tensor, columns: int) -> torch.Tensor:
    """Maps of COPIES; where the class is known to be moves along, for methods that are told of it."""
    regions = (getattr(asked.explain, "given", None) or {}).get("regions")
    if regions is None:
        return asked.explain(copies, asked.targets)
    moved = np.zeros_like(regions)
    moved[..., columns:] = regions[..., :-columns]
    return asked.explain.of(moved)(copies, asked.targets)
