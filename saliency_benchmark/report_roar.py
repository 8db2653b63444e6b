"""The page's sections on ROAR: curves, area scores, what they depend on, and the protocol on a known truth."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from saliency_benchmark import figures_roar, roar_sentences, roar_summary
from saliency_benchmark.report_keys import RUN, interval, named

SETTING = ["order", "fill", "unit"]
USED = ("roar", "roar_summary", "roar_contrasts", "protocol_agreement", "leakage", "masked_accuracy", "roar_ends")
# Rows of all seeds are those of each.
BY_SEED = ("roar", "leakage", "masked_accuracy", "roar_ends")


@dataclass(frozen=True)
class Run:
    """What is shown of one trained model, or of all seeds."""

    name: str
    sentences: list[str]
    curves: list[tuple[str, str, pd.DataFrame]]  # order, fill and unit; figure; area scores
    contrasts: pd.DataFrame
    protocols: pd.DataFrame
    masked: bool  # are there curves without retraining?
    leakage: bool  # is it told what masks alone tell?


def parts(tables: dict[str, pd.DataFrame], control: str) -> dict[str, object]:
    """What the template of these sections shows, by name; nothing without ROAR. CONTROL: the method of random maps."""
    if "roar" not in tables:
        return {"roar_runs": [], "roar_check": None}
    check = tables.get("roar_check")
    shown = None if check is None else (figures_roar.check(check), wide(check))
    return {"roar_runs": list(runs(tables, control)), "roar_check": shown}


def runs(tables: dict[str, pd.DataFrame], control: str) -> Iterator[Run]:
    """Per trained model; where there are several seeds, all of them first."""
    present = {name: _spoken(tables[name]) for name in USED if name in tables}
    groups = tables["summary"]
    controls = set(groups.loc[groups["group"] == "controls", "method"])
    there = present["roar_summary"][RUN].drop_duplicates()
    first = there["seed"] == roar_summary.ALL
    for values in pd.concat([there[first], there[~first]]).itertuples(index=False, name=None):
        own = {name: _of(table, values, name) for name, table in present.items()}
        shown = list(curves(own, controls)) if len(own["roar"]) else []
        yield Run(
            named(values),
            roar_sentences.sentences(own, control),
            shown or [("", "", area_scores(own["roar_summary"], None))],
            _plain(own.get("roar_contrasts")),
            _plain(own.get("protocol_agreement")),
            *(len(own.get(name, ())) > 0 for name in ("masked_accuracy", "leakage")),
        )


def curves(own: dict[str, pd.DataFrame], controls: set[str]) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Per order, fill and unit of a run: their names, the figure, and the area scores, best first."""
    for values, part in own["roar"].groupby(SETTING, sort=False):
        same = {name: _where(table, values) for name, table in own.items() if set(SETTING) <= set(table)}
        masked = same.get("masked_accuracy", part.iloc[:0])
        leakage = own.get("leakage")
        if leakage is not None:
            leakage = leakage[(leakage[["order", "unit"]] == [values[0], values[2]]).all(axis=1)]
        figure = figures_roar.curves(part, masked, controls, values[0])
        yield roar_sentences.told(values), figure, area_scores(same["roar_summary"], leakage)


def area_scores(summary: pd.DataFrame, leakage: pd.DataFrame | None) -> pd.DataFrame:
    """The rows to read: intervals in one cell, and beside each method what its masks alone tell."""
    names = ["area_score", "low", "high", "beats_random", "gain", "gain_low", "gain_high"]
    table = summary.sort_values("gain", ascending=False, kind="stable")
    several = [name for name in SETTING if summary[name].nunique() > 1]
    shown = table[[*several, "method"]].copy()
    numbers = table[names].to_dict("records")
    shown["area score"] = [interval(row["area_score"], row["low"], row["high"]) for row in numbers]
    shown["mean gain"] = [interval(row["gain"], row["gain_low"], row["gain_high"]) for row in numbers]
    shown["beats random"] = ["" if pd.isna(row["beats_random"]) else str(row["beats_random"]) for row in numbers]
    if leakage is not None and len(leakage):
        means = leakage.groupby(["method", "fraction"])[["accuracy", "chance"]].mean().reset_index()
        worst = means.loc[means.groupby("method")["accuracy"].idxmax()].set_index("method")
        told = [worst.loc[name] if name in worst.index else None for name in shown["method"]]
        shown["mask alone (fraction; chance)"] = [
            "" if row is None else f"{row['accuracy']:.3f} ({row['fraction']:g}; {row['chance']:.3f})" for row in told
        ]
    return shown.assign(repeats=table["repeats"], note=table["note"])


def wide(check: pd.DataFrame) -> pd.DataFrame:
    """roar_check.csv with a column per order and kind of training."""
    named_ = check.assign(kind=np.where(check["retrained"], "retrained", "not retrained"))
    table = named_.pivot(index="removed", columns=["order", "kind"], values="accuracy")
    table = table[list(dict.fromkeys(zip(named_["order"], named_["kind"], strict=True)))]
    table.columns = [f"{order}, {kind}" for order, kind in table.columns]
    return table.reset_index()


def _spoken(table: pd.DataFrame) -> pd.DataFrame:
    """TABLE with its seeds as texts: one of them may be `all`; an empty note is an empty text."""
    texts = {"note": table["note"].astype(object).where(table["note"].notna(), "")} if "note" in table else {}
    return table.assign(seed=table["seed"].astype(str), **texts)


def _of(table: pd.DataFrame, values: tuple, name: str) -> pd.DataFrame:
    """Rows of a run; of curves, those of every seed for all of them."""
    keys = RUN[:3] if values[3] == roar_summary.ALL and name in BY_SEED else RUN
    return table[(table[keys] == list(values)[: len(keys)]).all(axis=1)]


def _where(table: pd.DataFrame, values: tuple) -> pd.DataFrame:
    return table[(table[SETTING] == list(values)).all(axis=1)]


def _plain(table: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame() if table is None else table.drop(columns=RUN)
