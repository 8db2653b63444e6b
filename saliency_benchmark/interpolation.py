"""Alpha of recipes that differ in how much masked images weigh in the loss, and in nothing else (arXiv 2311.17876)."""

from pathlib import Path

import pandas as pd

KEYS = ["dataset", "model", "recipe", "seed"]
OF_AGREEMENT = ["metric", "family", "group"]
COLUMNS = ["dataset", "model", "seed", "metric", "group", "interpolation", "recipe", "alpha", "low", "high"]
MORE = ["seeds", "family", "series"]


def read(path: str | Path, rows: list[dict]) -> pd.DataFrame:
    """The table of agreement.csv in PATH; ROWS as `series.interpolations` gives them."""
    return table(pd.read_csv(path, dtype=dict.fromkeys([*KEYS, *OF_AGREEMENT], str)), rows)


def table(agreement: pd.DataFrame, rows: list[dict]) -> pd.DataFrame:
    """interpolation.csv: alpha of the trained models in ROWS, and its mean over the seeds of a recipe (seed `all`).

    `seeds` counts the alphas that are in a mean; a mean has no interval. AGREEMENT: agreement.csv, with keys as text.
    """
    found = agreement.merge(pd.DataFrame(rows).astype({"seed": str}), on=KEYS)
    found = found.assign(seeds=found["alpha"].notna().astype(int))
    same = ["dataset", "model", "series", *OF_AGREEMENT, "interpolation", "recipe"]
    means = found.groupby(same, sort=False, as_index=False).agg(alpha=("alpha", "mean"), seeds=("seeds", "sum"))
    means = means.assign(seed="all", low=float("nan"), high=float("nan"))
    return pd.concat([found, means])[[*COLUMNS, *MORE]].reset_index(drop=True)
