"""Tables in CSV, whoever made them: read strictly, so that what cannot be meant is told instead of guessed."""

import csv
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

INVALID = ["", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "null", "NULL", "None", "none"]


@dataclass(frozen=True)
class Form:
    """What a table must look like: columns that it NEEDS, those that are NUMBERS, and what a row is called."""

    needed: Sequence[str]
    numbers: Sequence[str]
    rows: str


def read(path: str | Path, form: Form, ignore: Sequence[str] = ()) -> pd.DataFrame:
    """The table in PATH without the columns IGNORE; numbers are floats, anything else a category of texts.

    A number that is empty or not finite is NaN. Raises ValueError where columns are missing or double, a row is too
    long, a name is empty, or a number is text.
    """
    names = _header(path, form, ignore)
    numbers = [name for name in form.numbers if name in names]
    try:
        table = _parsed(path, names, numbers, float)
    except ValueError:  # text in some cell: which one?
        table = _parsed(path, names, numbers, str)
        for name in numbers:
            table[name] = _numbers(path, name, table[name])
    # A column without a name is an index that was written too.
    table = table.drop(columns=[name for name in names if not name or name in ignore])
    if not len(table):
        raise ValueError(f"{path} has a row of names and no {form.rows}")
    _full(path, form, table)
    for name in numbers:
        table[name] = table[name].where(np.isfinite(table[name]))
    return table


def _header(path: str | Path, form: Form, ignore: Sequence[str]) -> list[str]:
    """Names of the columns."""
    if not Path(path).is_file():
        raise ValueError(f"there is no file {path}")
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        try:
            found = [name.strip() for name in next(filter(None, csv.reader(file)), [])]
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{path} is no table of text: {error}; wanted: CSV in UTF-8") from error
    if not found:
        raise ValueError(f"{path} is empty; wanted: a table with the columns {', '.join(form.needed)}")
    missing = [name for name in form.needed if name not in found]
    if missing:
        hint = "; cells are divided by commas" if len(found) == 1 else ""
        raise ValueError(f"{path} has no column {', '.join(missing)}; it has: {', '.join(found)}{hint}")
    double = sorted({name for name in found if found.count(name) > 1})
    if double:
        raise ValueError(f"{path} has more than one column {', '.join(double)}")
    unknown = [name for name in ignore if name not in found or name in form.needed]
    if unknown:
        raise ValueError(f"cannot ignore {', '.join(unknown)}: not among the key columns of {path}")
    return found


def _parsed(path: str | Path, names: list[str], numbers: list[str], kind: type) -> pd.DataFrame:
    types = dict.fromkeys(names, "category") | dict.fromkeys(numbers, kind)
    empty = {"keep_default_na": False, "na_values": dict.fromkeys(numbers, INVALID)}
    plain = {"encoding": "utf-8-sig", "skipinitialspace": True, "header": 0, "names": names, "index_col": False}
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # cells that would be dropped
        try:
            return pd.read_csv(path, dtype=types, **empty, **plain)
        except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
            found = re.search(r"line \d+, saw \d+", str(error))
            told = f"more cells than columns, as a decimal comma makes ({found[0] if found else 'the first rows'})"
            raise ValueError(f"{path} has a row with {told}") from error


def _numbers(path: str | Path, name: str, column: pd.Series) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    text = np.flatnonzero(numbers.isna() & column.notna())
    if len(text):
        more = f", as in {len(text) - 1} more rows" if len(text) > 1 else ""
        raise ValueError(f"{path}, row {text[0] + 2}: the {name} is {column.iloc[text[0]]!r}, which is no number{more}")
    return numbers.astype(float)


def _full(path: str | Path, form: Form, table: pd.DataFrame) -> None:
    """Raise ValueError where a name is empty, or a row too short to have one."""
    for name in [column for column in table.columns if column not in form.numbers]:
        empty = table[name].isna()
        if name in form.needed and "" in table[name].cat.categories:
            empty |= table[name] == ""
        if empty.any():
            row = int(np.flatnonzero(empty)[0]) + 2
            raise ValueError(f"{path}, row {row}: no {name}; wanted: a value in each row")
