"""The order in which a saliency map removes pixels: exact, with seeded ties. Masks, curves and ranks come from here."""

import numpy as np

from saliency_benchmark import seeds


def ranks(values: np.ndarray, index: np.ndarray, seed: int = 0) -> np.ndarray:
    """Rank of each entry of each image, 0 for the most salient: (image, ...) -> the same shape, smallest unsigned type.

    Equal values fall in a random order of each image's own, drawn from SEED and the image's INDEX in its data set: an
    image has the same ranks alone and in any batch. Removing round(fraction * entries) of them is `rank < count`: exact
    whatever the ties. Raises ValueError where a value is NaN.
    """
    flat = values.reshape(len(values), -1)
    if np.isnan(flat).any():
        bad = index[np.isnan(flat).any(1)]
        raise ValueError(f"{len(bad)} maps hold NaN (first: image {bad[0]}); a map must order all of its pixels")
    order = np.lexsort((_tie_keys(index, seed, flat.shape[1]), -flat), axis=1)
    ranked = np.empty(flat.shape, np.min_scalar_type(flat.shape[1] - 1))
    np.put_along_axis(ranked, order, np.arange(flat.shape[1], dtype=ranked.dtype)[None], axis=1)
    return ranked.reshape(values.shape)


def _tie_keys(index: np.ndarray, seed: int, entries: int) -> np.ndarray:
    # Philox is a counter: the image's index is its place in one long stream, so no image shares another's numbers.
    key = seeds.derive("ties", seed)
    streams = (np.random.Philox(key=key, counter=[0, 0, 0, int(image)]) for image in index)
    return np.stack([np.random.Generator(stream).random(entries, np.float32) for stream in streams])


def count(fraction: float, entries: int) -> int:
    """How many of ENTRIES a FRACTION is: the nearest whole number, halves to the even one."""
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction is {fraction}; wanted: 0 to 1, the share that is removed")
    return round(fraction * entries)


def removed(rank: np.ndarray, fraction: float, order: str) -> np.ndarray:
    """True where an entry goes: the FRACTION with the highest saliency, or that with the lowest (`remove_least`).

    `keep` removes all but the fraction with the highest.
    """
    entries = rank[0].size
    number = count(fraction, entries)
    if order == "remove_least":
        return rank >= entries - number
    return rank < number if order == "remove" else rank >= number


def per_unit(maps: np.ndarray, unit: str) -> np.ndarray:
    """Maps as ROAR ranks them: `pixel` sums the channels, (image, row, column); `element` keeps them."""
    return maps.sum(1) if unit == "pixel" and maps.ndim == 4 else maps
