"""Maps on a grid of cells for metrics, which know no torch: the same cells as `grid` makes for probes."""

import numpy as np

from saliency_benchmark import masking, regions

# Share of the largest cell below which a difference is what adding up in another order leaves.
ROUNDING = 1e-12


def pixels(maps: np.ndarray) -> np.ndarray:
    """Relevance with its sign, channels summed: (image, [channel], row, column) -> (image, row, column).

    A map that is not all finite is NaN in every pixel.
    """
    return regions.signed(maps).reshape(len(maps), *maps.shape[-2:])


def sums(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Sum of the pixels of each of SIZE (rows, columns) cells: (image, row, column) -> (image, cell)."""
    rows, columns = (_starts(*pair) for pair in zip(values.shape[1:], size, strict=True))
    bands = np.add.reduceat(values, rows, axis=1, dtype=float)
    return np.add.reduceat(bands, columns, axis=2).reshape(len(values), -1)


def means(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Mean of the pixels of each cell: (image, row, column) -> (image, cell)."""
    return sums(values, size) / sums(np.ones((1, *values.shape[1:])), size)


def alike(cells: np.ndarray) -> np.ndarray:
    """Where a map (image, cell) is the same in all its cells, so that it tells none from another: (image)."""
    return np.ptp(cells, axis=1) <= ROUNDING * np.abs(cells).max(1)


def over(cells: np.ndarray, subset: np.ndarray) -> np.ndarray:
    """Sum of CELLS (image, cell) over each SUBSET (image, share, draw, row, column): (image, share, draw)."""
    # Image by image: a product over all would add up in an order that depends on how many there are.
    found = [chosen.reshape(-1, cells.shape[1]) @ each for each, chosen in zip(cells, subset, strict=True)]
    return np.reshape(found, subset.shape[:3])


def told(maps: np.ndarray, subset: np.ndarray) -> np.ndarray:
    """What MAPS say that each SUBSET contributes, the sum over its pixels: (image, share, draw).

    NaN where the map is the same in all cells: what it says is then only how large the subset is.
    """
    values, size = pixels(maps), subset.shape[3:]
    cells = np.where(alike(means(values, size))[:, None], np.nan, sums(values, size))
    return over(cells, subset)


def of_share(subset: np.ndarray, share: float) -> int:
    """Place of SHARE among the shares of cells that the subsets hold. Raises ValueError where it is not there."""
    cells = subset.shape[3] * subset.shape[4]
    counts = subset[0, :, 0].sum((1, 2))
    places = np.flatnonzero(counts == masking.count(share, cells))
    if not len(places):
        have = ", ".join(f"{count / cells:.2g}" for count in counts)
        raise ValueError(f"share is {share}, and the subsets hold {have} of the cells: add it to the probe's `shares`")
    return int(places[0])


def told_and_drops(
    clean: np.ndarray, without_subset: np.ndarray, subset: np.ndarray, maps: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:
    """What MAPS say that each subset of SHARE contributes, and what the score loses with it: (image, draw).

    Raises ValueError where there are no subsets of SHARE.
    """
    place = of_share(subset, share)
    drops = clean[:, None].astype(float) - without_subset[:, place]
    return told(maps, subset[:, [place]])[:, 0], drops


def _starts(length: int, cells: int) -> np.ndarray:
    """First pixel of each cell: pixel p lies in cell p * cells // length."""
    return -(-np.arange(cells) * length // cells)
