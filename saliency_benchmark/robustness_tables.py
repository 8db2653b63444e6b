"""Tables of robustness, whoever made them: method, image, measure, difference; aligned, misaligned; others are keys."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from saliency_benchmark import foreign_tables

NUMBERS = ("aligned", "misaligned", "difference", "before", "control")
FORM = foreign_tables.Form(("method", "image", "measure", "difference"), NUMBERS, "differences")
MODEL_NUMBERS = (
    *("images", "accuracy", "auroc", "moved", "classification_first", "classification_last"),
    *("localisation_first", "localisation_last", "without_relevance"),
)
MODELS = foreign_tables.Form(("direction", "accuracy"), MODEL_NUMBERS, "models")
ALL = "all"  # labels together
# What tells the scores of one pipeline apart.
OF_IMAGE = ("label", "image", "measure")


def read(path: str | Path, ignore: Sequence[str] = ()) -> pd.DataFrame:
    """The table in PATH without the columns IGNORE: numbers are floats, anything else texts; an invalid score is NaN.

    Raises ValueError where columns are missing, a number is text, a difference is not aligned - misaligned, or a
    difference is there twice.
    """
    table = foreign_tables.read(path, FORM, ignore)
    table = table.astype({name: str for name in table.columns if name not in NUMBERS})
    _consistent(path, table)
    _once(path, table)
    return table


def read_models(path: str | Path) -> pd.DataFrame:
    """alignment_models.csv, or a table like it: direction (before, control, aligned, misaligned), accuracy, ..."""
    table = foreign_tables.read(path, MODELS)
    return table.astype({name: str for name in table.columns if name not in MODEL_NUMBERS})


def keys(table: pd.DataFrame) -> list[str]:
    """The columns that tell pipelines apart."""
    return [name for name in table.columns if name not in (*OF_IMAGE, *NUMBERS)]


def _consistent(path: str | Path, table: pd.DataFrame) -> None:
    if not {"aligned", "misaligned"} <= {*table.columns}:
        return
    wanted, found = table["aligned"] - table["misaligned"], table["difference"]
    wrong = (wanted - found).abs() > 1e-6
    wrong |= wanted.isna() != found.isna()
    if wrong.any():
        row = int(wrong.argmax())
        told = f"the difference is {found[row]:g}, and aligned - misaligned {wanted[row]:g}"
        raise ValueError(f"{path}, row {row + 2}: {told}; wanted: the same")


def _once(path: str | Path, table: pd.DataFrame) -> None:
    place = [*keys(table), *(name for name in OF_IMAGE if name in table)]
    double = table.duplicated(place)
    if double.any():
        row = table.iloc[int(double.argmax())]
        told = ", ".join(f"{name} {row[name]}" for name in place)
        raise ValueError(f"{path} has two differences of {told}; wanted: one, or a column that tells them apart")
    names = [name for name in keys(table) if name != "method"]
    groups = table.groupby([*names, "measure", "method"], sort=False).ngroups
    if groups > max(1000, len(table) / 4):
        columns = ", ".join(f"{name} ({table[name].nunique()} values)" for name in names)
        raise ValueError(f"{path}: {columns} tell nearly every row apart; --ignore those that are no keys")


def by_image(part: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    """Sums of VALUES (row, number) over the rows of each image of PART: (image, number)."""
    places, images = pd.factorize(part["image"], sort=True)
    sums = np.zeros((len(images), values.shape[1]))
    np.add.at(sums, places, values)
    return sums
