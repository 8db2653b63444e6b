"""Maps as one number per pixel, and against the region where the class is; every image by itself.

A map that is not all finite numbers is NaN in every pixel, so that no part of it is believed.
"""

import numpy as np
from scipy import ndimage

from saliency_benchmark import seeds


def positive(maps: np.ndarray) -> np.ndarray:
    """Positive relevance, summed over the channels: (image, [channel], row, column) -> (image, pixel)."""
    return _summed(np.maximum(_finite(maps), 0))


def signed(maps: np.ndarray) -> np.ndarray:
    """Relevance with its sign, summed over the channels: (image, [channel], row, column) -> (image, pixel)."""
    return _summed(_finite(maps))


def energy(maps: np.ndarray) -> np.ndarray:
    """Positive part of the sum over the channels; of a map of one channel it is what `positive` gives."""
    return np.maximum(signed(maps), 0)


def absolute(maps: np.ndarray) -> np.ndarray:
    """Magnitude of the sum over the channels: (image, [channel], row, column) -> (image, pixel)."""
    return np.abs(signed(maps))


def flat(regions: np.ndarray) -> np.ndarray:
    return regions.reshape(len(regions), -1).astype(bool)


def share(relevance: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Share of RELEVANCE (image, pixel), nowhere negative, that lies in REGION; NaN where either has nothing."""
    relevance = relevance.astype(float, copy=False)
    total, inside = relevance.sum(1), np.einsum("ip,ip->i", relevance, region)
    return np.divide(inside, total, out=np.full(len(total), np.nan), where=(total > 0) & region.any(1))


def near(regions: np.ndarray, tolerance: float) -> np.ndarray:
    """True within TOLERANCE pixels of the region, Euclidean, centre to centre: (image, row, column) -> the same."""
    if tolerance < 0:
        raise ValueError(f"tolerance is {tolerance}; wanted: 0 or more pixels around the region")
    found = regions.astype(bool)
    for image in np.flatnonzero(found.any((1, 2))) if tolerance else ():
        found[image] = ndimage.distance_transform_edt(~found[image]) <= tolerance
    return found


def top(values: np.ndarray, count: np.ndarray, index: np.ndarray, seed: int) -> np.ndarray:
    """True at the COUNT (image) highest of VALUES (image, pixel), exactly so many whatever the ties; none where NaN.

    Among equals at the edge chance decides, by SEED and the image's INDEX, so that an image has the same pixels alone
    and in any batch. Raises ValueError where an image has fewer pixels.
    """
    pixels = values.shape[1]
    if (count > pixels).any():
        raise ValueError(f"the {count.max()} most salient of {pixels} pixels are asked for; wanted: {pixels} at most")
    chosen, stream = np.zeros(values.shape, bool), np.random.Philox(key=seeds.derive("top", seed))
    generator, start = np.random.Generator(stream), stream.state
    # A partition per image: counts differ, and it is faster than sorting all.
    for image in np.flatnonzero((count > 0) & ~np.isnan(values[:, 0])):
        edge = np.partition(values[image], pixels - count[image])[pixels - count[image]]
        np.greater_equal(values[image], edge, out=chosen[image])
        if (spare := np.count_nonzero(chosen[image]) - count[image]) > 0:
            # Philox is a counter: the image's index is its place in one long stream; no image shares another's numbers.
            start["state"]["counter"][3] = index[image]
            stream.state = start
            chosen[image, generator.permutation(np.flatnonzero(values[image] == edge))[:spare]] = False
    return chosen


def _finite(maps: np.ndarray) -> np.ndarray:
    """Floats as they are stored: what is only compared needs no more digits."""
    values = maps if maps.dtype.kind == "f" else maps.astype(float)
    valid = np.isfinite(values).reshape(len(maps), -1).all(1)
    if not valid.all():
        values = values.copy()
        values[~valid] = np.nan
    return values


def _summed(values: np.ndarray) -> np.ndarray:
    """Channels added, in double precision where there are several: (image, pixel)."""
    several = values.ndim == 4 and values.shape[1] > 1
    return (values.sum(1, dtype=float) if several else values).reshape(len(values), -1)
