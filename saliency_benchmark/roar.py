"""Curves of remove-and-retrain; what is concluded from them: `roar_summary`, `roar_contrasts`, `roar_protocols`."""

import pandas as pd

from saliency_benchmark import files

COLUMNS = ["dataset", "model", "recipe", "seed", "method", "order", "fill", "unit", "fraction", "repeat", "accuracy"]
ENDS = [*COLUMNS[:4], "fill", "fraction", "repeat", "accuracy"]
LEAKAGE = [*COLUMNS[:6], "unit", "fraction", "repeat", "accuracy", "chance"]


def curves(accuracy: list[str], ends: list[str], keys: list[dict]) -> pd.DataFrame:
    """roar.csv from the tables of retrained accuracies, each with the table of its curve's ends and its keys.

    The ends (nothing removed, everything) are shared by all methods; with order keep they change places, since there
    `fraction` is the share that is kept.
    """
    tables = []
    for path, end, row in zip(files.listed(accuracy), files.listed(ends), keys, strict=True):
        middle, both = pd.read_csv(path), pd.read_csv(end)
        if row["order"] == "keep":
            both["fraction"] = 1 - both["fraction"]
        curve = pd.concat([middle, both]).sort_values("fraction")
        tables.append(curve.assign(**row))
    return pd.concat(tables)[COLUMNS]


def stepwise(accuracy: list[str], ends: list[str], keys: list[dict]) -> pd.DataFrame:
    """As `curves`, where each point of a curve has a table of its own, and KEYS its `fraction`."""
    table = curves(accuracy, ends, [{name: row[name] for name in row if name != "fraction"} for row in keys])
    names = [name for name in COLUMNS if name not in ("fraction", "accuracy")]
    parts = [part.sort_values("fraction") for _, part in table.drop_duplicates().groupby(names, sort=False)]
    return pd.concat(parts)
