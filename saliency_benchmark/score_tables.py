"""Tables of scores, whoever made them: columns method, metric, image, score, and any others, which group the rows."""

import csv
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from saliency_benchmark.schemas import Arrays

NEEDED = ("method", "metric", "image", "score")
INVALID = ["", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "null", "NULL", "None", "none"]


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
    names = _header(path, ignore)
    try:
        table = _parsed(path, names, float)
    except ValueError:  # text in some cell: which one?
        table = _parsed(path, names, str)
        table["score"] = _numbers(path, table["score"])
    # A column without a name is an index that was written too.
    table = table.drop(columns=[name for name in names if not name or name in ignore])
    if not len(table):
        raise ValueError(f"{path} has a row of names and no scores")
    _full(path, table)
    table["score"] = table["score"].where(np.isfinite(table["score"]))
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


def _header(path: str | Path, ignore: list[str]) -> list[str]:
    """Names of the columns."""
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}")
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        try:
            found = [name.strip() for name in next(filter(None, csv.reader(file)), [])]
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is no table of text: {error}; wanted: CSV in UTF-8") from error
    if not found:
        raise ValueError(f"{path} is empty; wanted: a table with the columns {', '.join(NEEDED)}")
    missing = [name for name in NEEDED if name not in found]
    if missing:
        hint = "; cells are divided by commas" if len(found) == 1 else ""
        raise ValueError(f"{path} has no column {', '.join(missing)}; it has: {', '.join(found)}{hint}")
    double = sorted({name for name in found if found.count(name) > 1})
    if double:
        raise ValueError(f"{path} has more than one column {', '.join(double)}")
    unknown = [name for name in ignore if name not in found or name in NEEDED]
    if unknown:
        raise ValueError(f"cannot ignore {', '.join(unknown)}: not among the key columns of {path}")
    return found


def _parsed(path: str | Path, names: list[str], score: type) -> pd.DataFrame:
    types = dict.fromkeys(names, "category") | {"score": score}
    empty = {"keep_default_na": False, "na_values": {"score": INVALID}}
    plain = {"encoding": "utf-8-sig", "skipinitialspace": True, "header": 0, "names": names, "index_col": False}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # cells that would be dropped
        try:
            return pd.read_csv(path, dtype=types, **empty, **plain)
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            found = re.search(r"line \d+, saw \d+", str(error))
            told = f"more cells than columns, as a decimal comma makes ({found[0] if found else 'the first rows'})"
            raise ValueError(f"{path} has a row with {told}") from error


def _numbers(path: str | Path, scores: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(scores, errors="coerce")
    text = np.flatnonzero(numbers.isna() & scores.notna())
    if len(text):
        more = f", as in {len(text) - 1} more rows" if len(text) > 1 else ""
        raise ValueError(f"{path}, row {text[0] + 2}: the score is {scores.iloc[text[0]]!r}, which is no number{more}")
    return numbers.astype(float)


def _full(path: str | Path, table: pd.DataFrame) -> None:
    """Raise ValueError where a name is empty, or a row too short to have one."""
    for name in [column for column in table.columns if column != "score"]:
        empty = table[name].isna()
        if name in NEEDED and "" in table[name].cat.categories:
            empty |= table[name] == ""
        if empty.any():
            row = int(np.flatnonzero(empty)[0]) + 2
            raise ValueError(f"{path}, row {row}: no {name}; wanted: a value in each row")


def _in_order(images: pd.Series) -> pd.Series:
    """Images by number, or else by name: the order of rows does not matter to a bootstrap."""
    names = images.cat.categories
    numbers = pd.to_numeric(names, errors="coerce")
    order = np.argsort(numbers, kind="stable") if np.isfinite(numbers).all() else np.argsort(names.astype(str))
    return images.cat.reorder_categories(names[order])
