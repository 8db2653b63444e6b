"""Values in falling order, with seeded ties: fast where nothing ties, and the same order on every machine."""

import numpy as np

from saliency_benchmark import seeds

LOW = np.uint64(2**32 - 1)
KEY_BITS = 24  # of a float32 in [0, 1)


def falling(values: np.ndarray, index: np.ndarray, seed: int = 0) -> np.ndarray:
    """Places of the entries of each row of VALUES (image, entry), the highest first; no value is NaN.

    Equal values fall by keys drawn from SEED and the image's INDEX, and equal keys by their places. Values are sorted
    first, by whatever is fastest, and then ties settled where there are any.
    """
    order, same = _sorted(values)
    tied = np.flatnonzero(same.any(1))
    if len(tied):
        order[tied] = _settled(order[tied], same[tied], tie_keys(index[tied], seed, values.shape[1]))
    return order


def tie_keys(index: np.ndarray, seed: int, entries: int) -> np.ndarray:
    """Random keys in [0, 1), (image, entry)."""
    # Philox is a counter: the image's index is its place in one long stream, so no image shares another's numbers.
    stream = np.random.Philox(key=seeds.derive("ties", seed))
    generator, start, keys = np.random.Generator(stream), stream.state, np.empty((len(index), entries), np.float32)
    for row, image in zip(keys, index, strict=True):
        start["state"]["counter"][:] = 0, 0, 0, int(image)
        stream.state = start  # several times faster than another Philox
        generator.random(out=row, dtype=np.float32)
    return keys


def _sorted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order, ties anyhow; and which entries of it equal the one before."""
    if values.dtype != np.float32:
        order = np.argsort(-values, axis=1)
        ordered = np.take_along_axis(values, order, 1)
        return order, ordered[:, 1:] == ordered[:, :-1]
    # Value and place in one number, which sorts several times faster than an argsort: a float32's bits rise with its
    # value, those of negative ones fall; -0 becomes 0.
    bits = (values + np.float32(0)).view(np.int32)
    both = (bits ^ (~(bits >> 31) & 0x7FFFFFFF)).view(np.uint32).astype(np.uint64)
    both <<= np.uint64(32)
    both |= np.arange(values.shape[1], dtype=np.uint64)
    both.sort(axis=1)
    value = (both >> np.uint64(32)).astype(np.uint32)
    return (both & LOW).astype(np.int64), value[:, 1:] == value[:, :-1]


def _settled(order: np.ndarray, same: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """ORDER with each run of equal values in the order of (key, place); runs stay where they are."""
    first = np.ones(order.shape, bool)
    first[:, 1:] = ~same
    tied = ~first
    tied[:, :-1] |= same
    at = np.flatnonzero(tied)
    run, place = np.cumsum(first.ravel()[at], dtype=np.uint64), order.ravel()[at]
    key = (keys.ravel()[at // order.shape[1] * order.shape[1] + place] * np.float32(2**KEY_BITS)).astype(np.uint64)
    bits = (order.shape[1] - 1).bit_length()
    if int(run[-1]).bit_length() + KEY_BITS + bits > 64:
        place = place[np.lexsort((place, key, run))]
    else:
        all_three = (run << np.uint64(KEY_BITS) | key) << np.uint64(bits) | place.astype(np.uint64)
        all_three.sort()
        place = (all_three & np.uint64(2**bits - 1)).astype(order.dtype)
    settled = order.ravel().copy()
    settled[at] = place
    return settled.reshape(order.shape)
