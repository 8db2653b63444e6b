"""Noisy linear imputation: what removed pixels show if each is the mean of its neighbours (ROAD: Rong et al., 2022).

A removed pixel is the weighted mean of its eight neighbours in the image, known or removed: 1/6 for the four beside it,
1/12 for the four across a corner, over the sum of the weights that lie in the image. That is one sparse linear system
per image and mask; known pixels are its boundary. It is solved by conjugate gradients with a cycle of multigrid before
them (`multigrid`), all images and channels at once: hardly more cycles for large holes than for small ones, where a
factorisation costs more with every pixel. The same on a GPU.
"""

from collections.abc import Iterable

import torch

from saliency_benchmark import multigrid, noise, planes

# Numbers of all channels and images that a processor, or a GPU, works on at a time.
TOGETHER = {"cpu": 2**18, "cuda": 2**25}
# Rounds of single precision; the second solves for what the first left, which is told in double.
ROUNDS, LEFT, ITERATIONS = 2, 5e-4, 200
TINY = 1e-30


def impute(
    images: torch.Tensor, removed: torch.Tensor, index: Iterable[int], *, deviation: float = 0.01, seed: int = 0
) -> torch.Tensor:
    """IMAGES whose REMOVED pixels are `linear`, plus normal noise of DEVIATION, in the unit of the images.

    images (image, channel, row, column); removed (image, 1 or channel, row, column), bool. The noise is that of `draw`.
    """
    drawn = draw(images, index, deviation, seed)
    return torch.where(removed, linear(images, removed) + drawn, images)


def draw(images: torch.Tensor, index: Iterable[int], deviation: float = 0.01, seed: int = 0) -> torch.Tensor:
    """Normal noise in the shape of IMAGES, from SEED and each image's INDEX: the same whatever is removed."""
    generators = [noise.generator("imputation", seed, int(image)) for image in index]
    return deviation * noise.normal(images, generators)


def linear(images: torch.Tensor, removed: torch.Tensor) -> torch.Tensor:
    """IMAGES whose REMOVED pixels are the weighted means of their neighbours, without noise.

    images (image, channel, row, column); removed (image, 1 or channel, row, column), bool. An image (or channel) of
    which nothing is known is 0 everywhere: in network input, the data set's mean colour. The residual is 1e-6 of the
    right side or less (Euclidean norms); RuntimeError where that is not reached.
    """
    if removed.shape[1] > 1:  # every channel has an image of its own
        return linear(images.flatten(0, 1)[:, None], removed.flatten(0, 1)[:, None]).view(images.shape)
    size = min(len(images), max(1, TOGETHER.get(images.device.type, TOGETHER["cpu"]) // images[0].numel()))
    cycle, found = multigrid.Cycle(images.new_empty(size, *images.shape[1:], dtype=torch.float32)), []
    for known, gone in zip(images.split(size), removed.split(size), strict=True):
        if len(known) < size:
            cycle = multigrid.Cycle(torch.empty_like(known, dtype=torch.float32))
        found.append(_solved(cycle, known, gone))
    return torch.cat(found)


def _solved(cycle: multigrid.Cycle, images: torch.Tensor, removed: torch.Tensor) -> torch.Tensor:
    cycle.see(removed & ~removed.flatten(1).all(1)[:, None, None, None])
    level = cycle.levels[0]
    plane = level.plane
    field = plane.embed(torch.where(removed, 0, images).double())
    box, unknown, weight = planes.Box(plane, field), plane.near(level.unknown), plane.near(level.weight).double()
    for _ in range(ROUNDS):
        # In double: what rounding leaves here is multiplied by as much as the number of pixels in a hole.
        gap = box().addcmul_(weight, plane.near(field), value=-1)
        torch.mul(unknown, gap, out=plane.near(level.r))
        field += _corrected(cycle)
    return plane.nodes(field).to(images.dtype)


def _corrected(cycle: multigrid.Cycle) -> torch.Tensor:
    """Solution of A x = r of the finest level by preconditioned conjugate gradients, each image and channel by itself.

    Ends where the residual is the share LEFT of r; an image and channel that is there stays as it is, whatever the
    others still need.
    """
    level = cycle.levels[0]
    near = level.plane.near
    cycle()
    direction, found = level.x.clone(), torch.zeros_like(level.x)
    box, energy, goal = planes.Box(level.plane, direction), _dot(level.r, level.x), LEFT**2 * _dot(level.r, level.r)
    unsolved = goal > 0
    for _ in range(ITERATIONS):
        negative = level.negative(box, direction)
        step = torch.where(unsolved, energy / _dot(near(direction), negative).clamp_max(-TINY), 0)
        found.addcmul_(step, direction, value=-1)
        near(level.r).addcmul_(step, negative.mul_(near(level.unknown)), value=-1)
        unsolved &= _dot(level.r, level.r) > goal
        if not unsolved.any():
            return found
        cycle()
        before, energy = energy, _dot(level.r, level.x)
        direction.mul_(energy / before.clamp_min(TINY)).add_(level.x)
    raise RuntimeError(f"imputation is not solved after {ITERATIONS} iterations")


def _dot(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    return (one * other).sum(-1, keepdim=True)
