"""Masks as others would have drawn them: regions wider, narrower, moved, unsteady, or boxes; each image by itself."""

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from saliency_benchmark import seeds
from saliency_benchmark.regions import near

STEPS = [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1) if row or column]


def vary(regions: np.ndarray, kind: str, pixels: int, index: np.ndarray, seed: int) -> np.ndarray:
    """REGIONS (image, row, column) bool as KIND tells; an empty region stays empty.

    `exact`: as they are; `dilated`, `eroded`: PIXELS wider or narrower, Euclidean (of a region that would vanish the
    innermost pixels stay); `shifted`: by PIXELS along rows, columns or both, and what leaves the image is lost;
    `noisy`: the outline moves in and out by about PIXELS (one standard deviation), smoothly along itself; `box`: the
    rectangle around it. INDEX (image) and SEED decide what chance decides.
    """
    variants: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
        "exact": lambda region, rng: region,
        "dilated": lambda region, rng: near(region[None], pixels)[0],
        "eroded": lambda region, rng: _eroded(region, pixels),
        "shifted": lambda region, rng: _shifted(region, pixels, rng),
        "noisy": lambda region, rng: _noisy(region, pixels, rng),
        "box": lambda region, rng: _box(region),
    }
    found = regions.astype(bool)
    for place in np.flatnonzero(found.any((1, 2))):
        found[place] = variants[kind](found[place], seeds.rng("masks", kind, seed, int(index[place])))
    return found


def _depth(region: np.ndarray) -> np.ndarray:
    """Distance of each pixel of REGION to the nearest that is not in it; the image's border is no end of it."""
    if region.all():
        return np.full(region.shape, np.inf)
    return ndimage.distance_transform_edt(region)


def _eroded(region: np.ndarray, pixels: int) -> np.ndarray:
    depth = _depth(region)
    return depth > min(pixels, depth.max() - 0.5)


def _shifted(region: np.ndarray, pixels: int, rng: np.random.Generator) -> np.ndarray:
    step = np.array(STEPS[rng.integers(len(STEPS))]) * pixels
    return ndimage.shift(region.astype(np.uint8), step, order=0) > 0


def _noisy(region: np.ndarray, pixels: int, rng: np.random.Generator) -> np.ndarray:
    field = ndimage.gaussian_filter(rng.standard_normal(region.shape), pixels, mode="reflect")
    outside = ndimage.distance_transform_edt(~region)
    # Half a pixel to either side lies the outline.
    signed = np.where(region, _depth(region) - 0.5, 0.5 - outside)
    moved = signed + pixels * field / field.std() > 0
    return moved if moved.any() else region


def _box(region: np.ndarray) -> np.ndarray:
    rows, columns = (np.flatnonzero(region.any(axis)) for axis in (1, 0))
    box = np.zeros_like(region)
    box[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = True
    return box
