"""The order in which a saliency map removes pixels: exact, with seeded ties. Masks, curves and ranks come from here."""

from dataclasses import dataclass

import numpy as np

from saliency_benchmark import ordering

SORTED_AT_ONCE = 2**18  # entries, so that they stay in the cache
PERCENT = "percent"
RANKED = 2**16  # entries; ranks of more take more than two bytes


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
    ranked = np.empty(flat.shape, np.min_scalar_type(flat.shape[1] - 1))
    places, step = np.arange(flat.shape[1], dtype=ranked.dtype)[None], max(1, SORTED_AT_ONCE // flat.shape[1])
    for part in (slice(start, start + step) for start in range(0, len(flat), step)):
        np.put_along_axis(ranked[part], ordering.falling(flat[part], index[part], seed), places, axis=1)
    return ranked.reshape(values.shape)


@dataclass(frozen=True)
class Levels:
    """Ranks as fine as the fractions need: with whole percents, a byte per entry instead of two.

    level (image, [channel], row, column), unsigned; count (step), rising from 0 to the number of entries: the
    `count[step]` most salient entries are those whose level is below `step`. Of exact ranks, level is the rank.
    """

    level: np.ndarray
    count: np.ndarray

    @classmethod
    def of(cls, stored: dict[str, np.ndarray]) -> "Levels":
        """Those of the arrays of a file of ranks."""
        level = stored["level"]
        return cls(level, stored["count"] if "count" in stored else np.arange(level[0].size + 1))

    @property
    def shape(self) -> tuple[int, ...]:
        return self.level.shape

    def ranks(self) -> np.ndarray:
        """Exact ranks with these levels: the same where they are the levels, else with ties by place."""
        if self.level[0].size == len(self.count) - 1:
            return self.level
        flat = self.level.reshape(len(self.level), -1)
        ranked = np.empty(flat.shape, np.min_scalar_type(flat.shape[1] - 1))
        places = np.arange(flat.shape[1], dtype=ranked.dtype)[None]
        np.put_along_axis(ranked, flat.argsort(1, kind="stable"), places, axis=1)
        return ranked.reshape(self.shape)

    def step(self, fraction: float, order: str) -> int:
        """Where the levels part: with order `remove` those below go, else the others.

        Raises ValueError where the levels are not made for FRACTION.
        """
        entries = int(self.count[-1])
        number = count(fraction, entries)
        number = entries - number if order == "remove_least" else number
        found = int(np.searchsorted(self.count, number))
        if self.count[found] != number:
            raise ValueError(f"the ranks are too coarse to tell the first {number} of {entries}; make them anew")
        return found


def counts(levels: str | list[float], entries: int) -> np.ndarray | None:
    """The counts that Levels of ENTRIES must tell: all whole percents (`percent`), or those of a list of fractions.

    None where the fractions are no whole percents and exact ranks take two bytes at most.
    """
    if levels != PERCENT and entries <= RANKED:
        return None
    fractions = [percent / 100 for percent in range(101)] if levels == PERCENT else [0, *levels, 1]
    found = np.array([count(fraction, entries) for fraction in fractions])
    # From the other end they are others where a half was rounded.
    return np.unique([found, entries - found])


def levels_of(rank: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Levels of exact ranks."""
    level = np.searchsorted(count, np.arange(count[-1]), side="right") - 1
    return level.astype(np.min_scalar_type(len(count) - 2))[rank]


def count(fraction: float, entries: int) -> int:
    """How many of ENTRIES a FRACTION is: the nearest whole number, halves to the even one."""
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction is {fraction}; wanted: 0 to 1, the share that is removed")
    return round(fraction * entries)


def removed(ranked: Levels | np.ndarray, fraction: float, order: str) -> np.ndarray:
    """True where an entry goes: the FRACTION with the highest saliency, or that with the lowest (`remove_least`).

    `keep` removes all but the fraction with the highest. RANKED: levels, or exact ranks.
    """
    levels = ranked if isinstance(ranked, Levels) else Levels.of({"level": ranked})
    step = levels.step(fraction, order)
    return levels.level < step if order == "remove" else levels.level >= step


def per_unit(maps: np.ndarray, unit: str) -> np.ndarray:
    """Maps as ROAR ranks them: `pixel` sums the channels, (image, row, column); `element` keeps them."""
    return maps.sum(1) if unit == "pixel" and maps.ndim == 4 else maps
