"""The scores of the methods of a group, of one run or of several on the images that they share."""

from collections.abc import Iterator
from functools import reduce

import numpy as np

from saliency_benchmark import agreement
from saliency_benchmark.schemas import Arrays


def members(scores: Arrays, group: list[str]) -> np.ndarray:
    """Scores (method, image) of the methods in GROUP, in its order. SCORES: arrays of `artifacts.SCORES`.

    Raises ValueError where a method has no scores.
    """
    place = {name.decode(): row for row, name in enumerate(scores["method"])}
    missing = [name for name in group if name not in place]
    if missing:
        raise ValueError(f"no scores of {', '.join(missing)}; there are scores of: {', '.join(place)}")
    return scores["score"][[place[name] for name in group]]


def rankings(scores: Arrays, groups: dict[str, list[str]], higher: bool) -> Iterator[tuple[str, np.ndarray, int]]:
    """Each group's name, ranking (image, method) by the images that rank anything, and how many others there are."""
    for name, group in groups.items():
        values = members(scores, group)
        ranked = agreement.ranked(values)
        yield name, agreement.ranks(values[:, ranked], higher), int((~ranked).sum())


def shared(runs: list[tuple[Arrays, bool]], group: list[str]) -> tuple[list[np.ndarray], int]:
    """Rankings (image, method) of the RUNS on the images that rank anything in each, in one order.

    A run is its scores, and whether higher is better. Behind the rankings: how many images of any run fall out, asked
    in some runs only or without two valid scores in one.
    """
    known = [(scores["index"], members(scores, group), higher) for scores, higher in runs]
    kept = [index[agreement.ranked(values)] for index, values, _ in known]
    common = reduce(np.intersect1d, kept)
    found = [agreement.ranks(values[:, _places(index, common)], higher) for index, values, higher in known]
    return found, len(np.unique(np.concatenate([index for index, *_ in known]))) - len(common)


def _places(index: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    order = np.argsort(index)
    return order[np.searchsorted(index, wanted, sorter=order)]
