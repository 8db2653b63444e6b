"""Tables of what users answered, whoever made them: explanation, accuracy; training_items, agent, ... divide the table.

`seed` tells trained models apart, `repeat` users of one model.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from saliency_benchmark import foreign_tables
from saliency_benchmark.utility_design import NONE

NUMBERS = ("accuracy", "training_items", "evaluation_items", "chance")
FORM = foreign_tables.Form(("explanation", "accuracy"), NUMBERS, "accuracies")
# What tells users of one kind apart, and what is told of them.
UNITS = ("seed", "repeat")
TOLD = ("explanation", "accuracy", "evaluation_items", "chance")


def read(path: str | Path, ignore: Sequence[str] = ()) -> pd.DataFrame:
    """The table in PATH without the columns IGNORE: numbers are floats, anything else texts; a missing number is NaN.

    Raises ValueError where columns are missing, a number is text, an accuracy is not between 0 and 1, a user is there
    twice, or nobody saw no map.
    """
    table = foreign_tables.read(path, FORM, ignore)
    table = table.astype({name: str for name in table.columns if name not in NUMBERS})
    wrong = (table["accuracy"] < 0) | (table["accuracy"] > 1)
    if wrong.any():
        row = int(wrong.argmax())
        raise ValueError(f"{path}, row {row + 2}: the accuracy is {table['accuracy'][row]:g}; wanted: 0 to 1")
    place = [*keys(table), *(name for name in UNITS if name in table), "explanation"]
    double = table.duplicated(place)
    if double.any():
        row = table.iloc[int(double.argmax())]
        told = ", ".join(f"{name} {row[name]}" for name in place)
        raise ValueError(f"{path} has two accuracies of {told}; wanted: one, or a column that tells them apart")
    if NONE not in set(table["explanation"]):
        known = ", ".join(dict.fromkeys(table["explanation"]))
        raise ValueError(f"{path} has no explanation {NONE!r} to compare with; it has: {known}")
    return table


def keys(table: pd.DataFrame) -> list[str]:
    """The columns that tell kinds of users apart."""
    return [name for name in table.columns if name not in (*UNITS, *TOLD)]
