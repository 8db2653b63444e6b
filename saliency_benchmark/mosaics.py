"""Mosaics of two by two images in the size of one: an image twice, and two others (Arias-Duart et al., 2022)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from saliency_benchmark import seeds


@dataclass(frozen=True)
class Plan:
    """HOLDS (image, quadrant): does the quadrant show the image itself? OTHERS (image, quadrant): the number of what it
    shows if not. Quadrants go left to right, top to bottom.
    """

    holds: np.ndarray
    others: np.ndarray


def plan(index: np.ndarray, allowed: np.ndarray, number: int, seed: int) -> Plan:
    """The NUMBERth mosaic of each image: two of the images ALLOWED (image, other), and all four in a drawn order.

    Each image draws from SEED and its INDEX. An image that is allowed fewer than two gets the first two.
    """
    holds, others = np.zeros((len(index), 4), bool), np.zeros((len(index), 4), int)
    for place, image in enumerate(index):
        rng = seeds.rng("mosaic", seed, number, int(image))
        possible = np.flatnonzero(allowed[place])
        drawn = rng.choice(possible, 2, replace=False) if len(possible) > 1 else np.arange(2)
        order = rng.permutation(4)
        holds[place, order[:2]], others[place, order[2:]] = True, drawn
    return Plan(holds, others)


def built(images: torch.Tensor, others: torch.Tensor, plan: Plan) -> torch.Tensor:
    """Mosaics of the size of IMAGES, every part resized (bilinear, antialiased) to its quadrant."""
    found = torch.empty_like(images)
    for quadrant, (rows, columns) in enumerate(quadrants(tuple(images.shape[2:]))):
        own = torch.from_numpy(plan.holds[:, quadrant]).to(images.device)[:, None, None, None]
        other = others[torch.from_numpy(plan.others[:, quadrant]).to(others.device)]
        size = (rows.stop - rows.start, columns.stop - columns.start)
        part = functional.interpolate(torch.where(own, images, other), size, mode="bilinear", antialias=True)
        found[..., rows, columns] = part
    return found


def spread(plan: Plan, shape: tuple[int, int]) -> np.ndarray:
    """True in the quadrants that show the image itself: (image, row, column)."""
    found = np.zeros((len(plan.holds), *shape), bool)
    for quadrant, (rows, columns) in enumerate(quadrants(shape)):
        found[:, rows, columns] = plan.holds[:, quadrant, None, None]
    return found


def quadrants(shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Rows and columns of the four; the second half is the larger where a side is odd."""
    halves = [(slice(0, length // 2), slice(length // 2, length)) for length in shape]
    return [(rows, columns) for rows in halves[0] for columns in halves[1]]
