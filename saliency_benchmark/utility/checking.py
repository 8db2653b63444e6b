"""May these items be asked? A simple rule on the oracle's maps alone must answer nearly all of them."""

import numpy as np

from saliency_benchmark.utility_design import SELECTION

NEEDED = 0.95


def rule(oracle: np.ndarray) -> np.ndarray:
    """The answer (item) that the oracle's maps (item, shown, row, column) give to who looks at nothing else.

    Of two models, the one with less marked is right, and 0.5 where as much is (a guess); of one model, the prediction
    changes (0) where anything is marked, and stays (1) where nothing is.
    """
    marked = np.abs(oracle).sum((2, 3))
    if marked.shape[1] == 2:
        return np.where(marked[:, 0] == marked[:, 1], 0.5, marked[:, 1] < marked[:, 0])
    return (marked[:, 0] == 0).astype(float)


def answered(oracle: np.ndarray, answer: np.ndarray) -> float:
    """The share of the items that `rule` answers as they are."""
    return float((1 - np.abs(rule(oracle) - answer)).mean())


def refuse_unreadable(task: str, oracle: np.ndarray, answer: np.ndarray) -> None:
    """Raise ValueError where the oracle's maps do not tell the answers of a TASK's items."""
    share = answered(oracle, answer)
    if share < NEEDED:
        why = {
            SELECTION: "the mislabelled model does not go by the cue on enough images: draw another or a larger one "
            "(utility.cue), name other utility.pairs, or train longer"
        }.get(task, "maps and answers are not of the same items")
        told = f"a simple rule on the oracle's maps answers {share:.1%} of the {len(answer)} items of {task}"
        raise ValueError(f"{told}; wanted: at least {NEEDED:.0%}; {why}")


def refuse_few(task: str, part: str, found: list[int], wanted: int) -> None:
    """Raise ValueError that says how many items there are, of one kind or of either answer, and how many are wanted."""
    have = f"{found[0]} items on which exactly one model is right"
    if len(found) == 2:
        have = f"{found[0]} items whose prediction changes, and {found[1]} whose prediction stays"
        wanted = f"{wanted} of each"
    told = f"{task}: {have}, for {part}; wanted: {wanted}"
    raise ValueError(f"{told}; lower utility.{part}_items, or let utility.images and the data set give more images")
