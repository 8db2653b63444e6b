"""Which images are asked about: half of either answer, in every level of difficulty as far as possible."""

import numpy as np

from saliency_benchmark import seeds


def for_training(index: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Which images (image) items for training are made of, SHARE of them; the others are for evaluation.

    Drawn by the image's index alone: items of all models and tasks of a data set keep the same images apart.
    """
    drawn = np.array([seeds.rng("utility images", seed, int(one)).random() for one in index])
    return drawn < share


def levels(difficulty: np.ndarray, number: int) -> np.ndarray:
    """The level of each item, (item) from 0, easiest: NUMBER parts of the items as equal as can be; ties by place."""
    order = np.argsort(np.argsort(difficulty, kind="stable"), kind="stable")
    return order * number // max(1, len(difficulty))


def share_out(limits: np.ndarray, number: int) -> np.ndarray:
    """NUMBER things dealt to groups one by one in turn, as far as their LIMITS (group) allow."""
    dealt = np.zeros(len(limits), int)
    while number > 0 and (dealt < limits).any():
        open_ = np.flatnonzero(dealt < limits)[:number]
        dealt[open_] += 1
        number -= len(open_)
    return dealt


def balanced(answer: np.ndarray, level: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Places of NUMBER items, half of either ANSWER, in order.

    In every LEVEL as many of one as of the other, and levels alike, as far as there are; what is missing then comes
    from any level. Raises TooFew where there are not enough.
    """
    half, counts = number // 2, [int((answer == one).sum()) for one in (0, 1)]
    if min(counts) < half:
        raise TooFew(counts, half)
    groups = [[rng.permutation(np.flatnonzero((answer == one) & (level == each))) for one in (0, 1)]
              for each in np.unique(level)]  # fmt: skip
    dealt = share_out(np.array([min(map(len, pair)) for pair in groups]), half)
    chosen = [members[:many] for pair, many in zip(groups, dealt, strict=True) for members in pair]
    for one in (0, 1):
        rest = np.concatenate([pair[one][many:] for pair, many in zip(groups, dealt, strict=True)])
        chosen.append(rng.permutation(rest)[: half - dealt.sum()])
    return np.sort(np.concatenate(chosen).astype(int))


def spread(group: np.ndarray, number: int, rng: np.random.Generator) -> np.ndarray:
    """Places of NUMBER items, as many of each GROUP as there are alike, in order. Raises TooFew."""
    if len(group) < number:
        raise TooFew([len(group)], number)
    members = [rng.permutation(np.flatnonzero(group == each)) for each in np.unique(group)]
    dealt = share_out(np.array([len(each) for each in members]), number)
    return np.sort(np.concatenate([each[:many] for each, many in zip(members, dealt, strict=True)]))


def answers(group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An answer (item) for each item, 0 or 1, by chance: half and half in all, and in every GROUP but for one item."""
    order = np.lexsort((rng.permutation(len(group)), group))
    drawn = np.empty(len(group), np.int8)
    # Pairs of neighbours in the order: whichever comes first, a group has at most one more of either.
    pairs = rng.integers(0, 2, (len(group) + 1) // 2)
    drawn[order] = np.stack([pairs, 1 - pairs], 1).ravel()[: len(group)]
    return drawn


class TooFew(ValueError):
    """There are not as many items of one kind as are wanted."""

    def __init__(self, found: list[int], wanted: int) -> None:
        self.found, self.wanted = found, wanted
        super().__init__(f"{' and '.join(map(str, found))} items; wanted: {wanted}")
