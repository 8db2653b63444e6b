"""The smallest set of cells of an image whose shift changes the model's prediction."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

# Images (image, channel, row, column) bytes -> the probability of each class, (image, class).
Predict = Callable[[np.ndarray], np.ndarray]
BLOCK = 256


@dataclass(frozen=True)
class Change:
    """One IMAGE and its SHIFTED version (channel, row, column), of which some cells may be mixed.

    cells (row, column): number of the cell of each pixel; target: the class predicted on the image.
    """

    predict: Predict
    image: np.ndarray
    shifted: np.ndarray
    cells: np.ndarray
    target: int

    def told(self, sets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For each of SETS (set, cell) bool: does its shift change the prediction, and the target's probability."""
        changed, probability = [], []
        for start in range(0, len(sets), BLOCK):
            chosen = sets[start : start + BLOCK][:, self.cells]
            found = self.predict(np.where(chosen[:, None], self.shifted, self.image))
            changed.append(found.argmax(1) != self.target)
            probability.append(found[:, self.target])
        return np.concatenate(changed), np.concatenate(probability)

    def candidates(self) -> np.ndarray:
        """Cells that the shift changes at all."""
        return np.unique(self.cells[(self.image != self.shifted).any(0)])


def smallest(change: Change, exact: int) -> np.ndarray:
    """The smallest set of cells, (cell) bool, whose shift changes the prediction; of several, which changes it most.

    Exact up to EXACT cells: all sets of so many are tried, the smaller first. Beyond, the cell that takes most from the
    target's probability joins until the prediction changes, and then each cell that is not needed goes, so that no part
    of the set changes the prediction. Empty where the shift of all cells changes nothing.
    """
    number = int(change.cells.max()) + 1
    if not change.told(np.ones((1, number), bool))[0][0]:
        return np.zeros(number, bool)
    for size in range(1, exact + 1):
        sets = _sets(change.candidates(), size, number)
        if len(sets):
            changed, probability = change.told(sets)
            if changed.any():
                return sets[np.where(changed, probability, np.inf).argmin()]
    return _needed(change, _grown(change, number))


def _sets(candidates: np.ndarray, size: int, number: int) -> np.ndarray:
    places = np.array(list(combinations(candidates, size)), int).reshape(-1, size)
    sets = np.zeros((len(places), number), bool)
    np.put_along_axis(sets, places, True, axis=1)
    return sets


def _grown(change: Change, number: int) -> np.ndarray:
    """Cells added one by one until the prediction changes."""
    chosen = np.zeros(number, bool)
    for _ in change.candidates():
        sets = np.stack([*_with(chosen, change.candidates())])
        changed, probability = change.told(sets)
        best = int(np.where(changed, probability - 1, probability).argmin())
        chosen = sets[best]
        if changed[best]:
            return chosen
    return np.ones(number, bool)


def _with(chosen: np.ndarray, candidates: np.ndarray) -> Iterator[np.ndarray]:
    for cell in candidates[~chosen[candidates]]:
        more = chosen.copy()
        more[cell] = True
        yield more


def _needed(change: Change, chosen: np.ndarray) -> np.ndarray:
    """CHOSEN without cells one by one, as long as the prediction changes: that whose absence leaves it surest first."""
    while chosen.sum() > 1:
        members = np.flatnonzero(chosen)
        sets = np.repeat(chosen[None], len(members), 0)
        sets[np.arange(len(members)), members] = False
        changed, probability = change.told(sets)
        if not changed.any():
            break
        chosen = sets[np.where(changed, probability, np.inf).argmin()]
    return chosen
