"""Tidy tables: one row per fact, keys in every row, the same bytes for the same facts."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from saliency_benchmark import artifacts, files

QUALITY = ("sum", "positive_share", "zero_share", "invalid", "completeness_gap")


def write(path: str | Path, table: pd.DataFrame, origin: dict) -> None:
    files.write_text(path, table.to_csv(index=False, lineterminator="\n"), "table", origin)


def joined(paths: Iterable[str]) -> pd.DataFrame:
    """The rows of all tables in PATHS, in order."""
    return pd.concat([pd.read_csv(path, keep_default_na=False, dtype=str) for path in files.listed(paths)])


def keyed(paths: Iterable[str], keys: Iterable[dict], columns: list[str]) -> pd.DataFrame:
    """COLUMNS of the tables in PATHS, each with its row of KEYS."""
    parts = zip(files.listed(paths), keys, strict=True)
    return pd.concat([pd.read_csv(path).assign(**row) for path, row in parts])[columns]


def scores(paths: Iterable[str], keys: Iterable[dict]) -> pd.DataFrame:
    """scores.csv: every score of every file in PATHS, the row's KEYS before it; an invalid score is empty."""
    tables = []
    for path, row in zip(files.listed(paths), keys, strict=True):
        arrays = artifacts.read(path, artifacts.SCORES)
        methods = [name.decode() for name in arrays["method"]]
        long = pd.DataFrame(arrays["score"], methods, arrays["index"]).rename_axis(index="method", columns="image")
        tables.append(long.stack(future_stack=True).rename("score").reset_index().assign(**row))
    return pd.concat(tables)[["dataset", "model", "recipe", "seed", "method", "metric", "image", "score"]]


def map_quality(paths: Iterable[str], keys: Iterable[dict]) -> pd.DataFrame:
    """map_quality.csv: what tells a sound map from a broken one; a row per map of the files in PATHS, KEYS before it.

    Columns as `attribution.quality` defines them; `completeness_gap` is empty where the method promises no total.
    """
    found = []
    for path, row in zip(files.listed(paths), keys, strict=True):
        with artifacts.Reader(path, artifacts.MAPS) as reader:
            told = {name: reader[name][()] for name in ("index", "target", *QUALITY)}
        found.append(pd.DataFrame(told).rename(columns={"index": "image"}).assign(**row))
    return pd.concat(found)[["dataset", "model", "recipe", "seed", "method", "split", "image", "target", *QUALITY]]
