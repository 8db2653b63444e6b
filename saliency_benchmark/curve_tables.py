"""Tables of ROAR curves, whoever made them: method, fraction, accuracy; order, repeat; any others are keys."""

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from saliency_benchmark import foreign_tables, roar_areas, roar_summary

FORM = foreign_tables.Form(("method", "fraction", "accuracy"), ["fraction", "accuracy"], "accuracies")


def read(path: str | Path, control: str, *, order: str = "remove", ignore: Sequence[str] = ()) -> pd.DataFrame:
    """The table in PATH without the columns IGNORE, ready for `roar_summary.summarise`.

    Without a column `order` every curve is of ORDER, without `repeat` a curve is there once. A column `seed` tells
    base models apart. Raises ValueError where columns are missing, CONTROL has no curve, a fraction or accuracy is text
    or outside [0, 1], an order is unknown, an accuracy is there twice, or columns tell every row apart.
    """
    table = foreign_tables.read(path, FORM, ignore)
    table = table.astype({name: str for name in table.columns if name not in FORM.numbers})
    if "order" not in table:
        table.insert(1, "order", order)
    if "repeat" not in table:
        table["repeat"] = "0"
    _bounded(path, table)
    _known(path, table, control)
    _apart(path, table)
    return table


def _bounded(path: str | Path, table: pd.DataFrame) -> None:
    empty = table["fraction"].isna()
    if empty.any():
        raise ValueError(
            f"{path}, row {int(empty.argmax()) + 2}: no fraction; wanted: a number from 0 to 1 in each row"
        )
    for name in FORM.numbers:
        outside = (table[name] < 0) | (table[name] > 1)
        if outside.any():
            row = int(outside.argmax())
            hint = ": percent are divided by 100" if 1 < table[name].max() <= 100 else ""
            raise ValueError(f"{path}, row {row + 2}: the {name} is {table[name][row]:g}; wanted: 0 to 1{hint}")


def _known(path: str | Path, table: pd.DataFrame, control: str) -> None:
    orders = [name for name in table["order"].unique() if name not in roar_areas.HIGHER]
    if orders:
        raise ValueError(f"{path} has the order {orders[0]!r}; there are: {', '.join(roar_areas.HIGHER)}")
    methods = list(table["method"].unique())
    if control not in methods:
        near = get_close_matches(control, methods, 1, 0.4)
        hint = f" (is it {near[0]!r}?)" if near else ""
        raise ValueError(
            f"{path} has no curve of the control {control!r}{hint}; --control names it: {', '.join(methods)}"
        )


def _apart(path: str | Path, table: pd.DataFrame) -> None:
    keys = [name for name in table.columns if name not in roar_summary.CURVE]
    place = [*keys, "method", "fraction", "repeat"]
    double = table.duplicated(place)
    if double.any():
        told = ", ".join(f"{name} {table[name][int(double.argmax())]}" for name in place)
        raise ValueError(f"{path} has two accuracies of {told}; wanted: one, or a column that tells them apart")
    lengths = table.groupby([*keys, "method", "repeat"], observed=True).size()
    if lengths.max() == 1 and table["fraction"].nunique() > 1:
        columns = ", ".join(f"{name} ({table[name].nunique()} values)" for name in [*keys, "repeat"])
        raise ValueError(
            f"{path} has no curve of two fractions: {columns} tell every row apart; --ignore those not keys"
        )
