"""Tables of scores, whoever made them: columns method, metric, image, score, and any others, which group the rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from saliency_benchmark import foreign_tables
from saliency_benchmark.schemas import Arrays

NEEDED = ("method", "metric", "image", "score")
FORM = foreign_tables.Form(NEEDED, ["score"], "scores")


@dataclass(frozen=True)
class Cell:
    """Scores of one metric under one value of each key: arrays of `artifacts.SCORES`, and which scores had a row."""

    keys: dict[str, str]
    scores: Arrays
    asked: np.ndarray  # method image

    @property
    def methods(self) -> list[str]:
        return [name.decode() for name in self.scores["method"]]

    def missing(self, group: list[str]) -> int:
        """Scores of the methods in GROUP that have no row, on images that have one for any method."""
        rows = [place for place, name in enumerate(self.methods) if name in group]
        return int((~self.asked[rows]).sum())


def read(path: str | Path, ignore: list[str] = ()) -> pd.DataFrame:
    """The table in PATH without the columns IGNORE; a score that is empty or not finite is NaN: invalid.

    Raises ValueError where columns are missing or double, a row is too long, a name is empty, or a score is text.
    """
    table = foreign_tables.read(path, FORM, ignore)
    table["image"] = _in_order(table["image"])
    return table


def keys(table: pd.DataFrame) -> list[str]:
    """The columns that group the rows, before the metric."""
    return [name for name in table.columns if name not in NEEDED]


def cells(table: pd.DataFrame) -> Iterator[Cell]:
    """The scores by keys and metric, in the order of the table; `index` is an image's place among all of the table.

    Raises ValueError where a score is there twice.
    """
    names = [*keys(table), "metric"]
    grouped = table.groupby(names, observed=True, sort=False)
    if grouped.ngroups > max(1000, len(table) / 4):
        columns = ", ".join(f"{name} ({table[name].nunique()} values)" for name in names[:-1])
        raise ValueError(f"the columns {columns} tell nearly every row apart; leave out those that are no keys")
    for values, part in grouped:
        found = dict(zip(names, map(str, values), strict=True))
        rows, methods = pd.factorize(part["method"])
        index, columns = np.unique(part["image"].cat.codes, return_inverse=True)
        places = rows * len(index) + columns
        count = np.bincount(places, minlength=len(methods) * len(index))
        if count.max() > 1:
            method, image = divmod(int(count.argmax()), len(index))
            about = found | {"method": methods[method], "image": part["image"].cat.categories[index[image]]}
            told = ", ".join(f"{name} {value}" for name, value in about.items())
            raise ValueError(f"{count.max()} scores of {told}; wanted: one, or a column that tells them apart")
        score = np.full(len(count), np.nan)
        score[places] = part["score"]
        shape = (len(methods), len(index))
        named = np.array([str(name).encode() for name in methods], dtype="S")
        scores = {"score": score.reshape(shape), "method": named, "index": index.astype(np.int64)}
        yield Cell(found, scores, (count > 0).reshape(shape))


def _in_order(images: pd.Series) -> pd.Series:
    """Images by number, or else by name: the order of rows does not matter to a bootstrap."""
    names = images.cat.categories
    numbers = pd.to_numeric(names, errors="coerce")
    order = np.argsort(numbers, kind="stable") if np.isfinite(numbers).all() else np.argsort(names.astype(str))
    return images.cat.reorder_categories(names[order])
