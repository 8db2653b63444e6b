"""Maps as one number per pixel, and against the region where the class is; every image by itself.

A map that is not all finite numbers is NaN in every pixel, so that no part of it is believed.
"""

from collections.abc import Callable, Iterator

import numpy as np
from scipy import ndimage

from saliency_benchmark import seeds

CACHED = 2**16  # numbers: work on so many costs less than map by map, or on all


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
    return regions.reshape(len(regions), -1).astype(bool, copy=False)


def share(relevance: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Share of RELEVANCE (image, pixel), nowhere negative, that lies in REGION; NaN where either has nothing."""
    relevance = relevance.astype(float, copy=False)
    total, inside = relevance.sum(1), np.einsum("ip,ip->i", relevance, region)
    return np.divide(inside, total, out=np.full(len(total), np.nan), where=(total > 0) & region.any(1))


def blotted(images: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """IMAGES, bytes (image, channel, row, column), whose REGIONS show the mean colour of the rest of the image.

    A region that is all of the image shows that of all of it.
    """
    found = images.copy()
    for image, region in zip(found, regions.astype(bool), strict=True):
        rest = image[:, ~region] if not region.all() else image.reshape(len(image), -1)
        image[:, region] = rest.mean(1).round()[:, None]
    return found


def near(regions: np.ndarray, tolerance: float) -> np.ndarray:
    """True within TOLERANCE pixels of the region, Euclidean, centre to centre: (image, row, column) -> the same."""
    if tolerance < 0:
        raise ValueError(f"tolerance is {tolerance}; wanted: 0 or more pixels around the region")
    found = regions.astype(bool)
    for image in np.flatnonzero(found.any((1, 2))) if tolerance else ():
        found[image] = ndimage.distance_transform_edt(~found[image]) <= tolerance
    return found


def hits(values: np.ndarray, inside: np.ndarray, count: np.ndarray, index: np.ndarray, drawn: Callable) -> np.ndarray:
    """How many of the COUNT (image) highest of VALUES (image, pixel) lie INSIDE (image, pixel); none where NaN.

    Exactly so many are taken, whatever the ties. Among equals at the edge chance decides, DRAWN (`chance`) by
    a seed and the image's INDEX, so that an image has the same pixels alone, in any batch and beside any region. Raises
    ValueError where an image has fewer pixels.
    """
    pixels = values.shape[1]
    if (count > pixels).any():
        raise ValueError(f"the {count.max()} most salient of {pixels} pixels are asked for; wanted: {pixels} at most")
    found = np.zeros(len(values), int)
    edges = _edges(values, count)
    for image in np.flatnonzero(~np.isnan(edges)):
        row, region, edge = values[image], inside[image], edges[image]
        chosen = row >= edge
        found[image] = np.count_nonzero(chosen & region)
        if spare := np.count_nonzero(chosen) - count[image]:
            tied = row == edge
            within = np.count_nonzero(tied & region)
            # Chance is asked only where it can change the number.
            if within == np.count_nonzero(tied):
                found[image] -= spare
            elif within:
                found[image] -= np.count_nonzero(region[drawn(tied, spare, index[image])])
    return found


def chance(seed: int) -> Callable[[np.ndarray, int, int], np.ndarray]:
    """Draws SPARE of the TIED pixels of the image INDEX, which are not chosen: drawn(tied, spare, index)."""
    stream = np.random.Philox(key=seeds.derive("top", seed))
    generator, start = np.random.Generator(stream), stream.state

    def drawn(tied: np.ndarray, spare: int, index: int) -> np.ndarray:
        # Philox is a counter: the image's index is its place in one long stream; no image shares another's numbers.
        start["state"]["counter"][3] = index
        stream.state = start
        return generator.permutation(np.flatnonzero(tied))[:spare]

    return drawn


def runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stretches of equal neighbours in VALUES: the last place of each and how long it is."""
    edges = np.concatenate(([-1], np.flatnonzero(values[1:] != values[:-1]), [len(values) - 1]))
    return edges[1:], np.diff(edges)


def parts(maps: np.ndarray) -> Iterator[slice]:
    """A few images at a time of MAPS (image, ...), as fit in a processor's cache."""
    size = max(1, CACHED // maps[0].size) if len(maps) else 1
    return (slice(start, min(start + size, len(maps))) for start in range(0, len(maps), size))


def thinned(values: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """VALUES (image, pixel) without even repeats, and of which images: a few at a time, as fit in a processor's cache.

    Of an image whose pixels all come 2, 4 or 8 times in a row, as in a map of cells, it is every 2nd, 4th or 8th.
    """
    for part in parts(values):
        block, images = values[part], np.arange(part.start, part.stop)
        steps = _steps(block)
        for step in {*steps.tolist()}:
            same = steps == step
            yield images[same], (block if same.all() else block[same])[:, ::step]


def _steps(values: np.ndarray) -> np.ndarray:
    """The largest of 1, 2, 4 and 8, of each image, that divides all places where VALUES (image, pixel) change."""
    steps = np.ones(len(values), int)
    if not values.shape[1] % 8:
        changes = np.zeros(values.shape, bool)
        np.not_equal(values[:, 1:], values[:, :-1], out=changes[:, 1:])
        # Eight pixels at a time: is there a change at a place that is 0, 1, ... 7 modulo 8?
        modulo = np.bitwise_or.reduce(changes.view(np.uint64), axis=1)[:, None].view(bool)
        for step in (2, 4, 8):
            steps[~modulo.reshape(-1, 8 // step, step)[:, :, 1:].any((1, 2))] = step
    return steps


def _edges(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The lowest of the COUNT (image) highest of VALUES (image, pixel); NaN where there is none."""
    pixels, edges = values.shape[1], np.full(len(values), np.nan, values.dtype)
    for images, few in thinned(values):
        places = (pixels - count[images]) // (pixels // few.shape[1])
        # A partition per image: counts differ, and it is faster than sorting all.
        for image, row, place in zip(images.tolist(), few, places.tolist(), strict=True):
            if place < len(row):
                edges[image] = np.partition(row, place)[place]
    return edges


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
