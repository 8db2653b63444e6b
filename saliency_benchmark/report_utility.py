"""The page's section on what simulated users gain from maps."""

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from saliency_benchmark import figures_utility
from saliency_benchmark.report_keys import interval
from saliency_benchmark.utility_design import CONTROLS, NONE, ORACLE, PLACEBOS
from saliency_benchmark.utility_summary import GAIN

RUN = ["dataset", "model", "recipe"]
USER = ["task", "agent", "access"]
NAMES = {"model_selection": "model selection", "counterfactual_simulation": "counterfactual simulation",
         "training": "maps in training only", "training_evaluation": "maps in training and evaluation"}  # fmt: skip


@dataclass(frozen=True)
class Helped:
    """What is shown of the models of one data set, architecture and recipe."""

    name: str
    sentences: list[str]
    figure: str
    table: pd.DataFrame


def parts(tables: dict[str, pd.DataFrame]) -> dict[str, object]:
    """What the template of this section shows, by name; nothing where no questions were asked."""
    summary = tables.get("utility_summary", pd.DataFrame())
    return {"helped": list(_runs(summary)) if len(summary) else []}


def _runs(summary: pd.DataFrame) -> Iterator[Helped]:
    for values, part in summary.groupby(RUN, sort=False):
        told = part.assign(panel=[f"{NAMES.get(row.task, row.task)}: {row.agent}" for row in part.itertuples()])
        true = told[told["labels"] == "true"]
        yield Helped(
            ": ".join([values[0], ", ".join(map(str, values[1:]))]),
            list(sentences(part)),
            figures_utility.gains(true, list(dict.fromkeys(true["panel"]))),
            readable(part),
        )


def sentences(summary: pd.DataFrame) -> Iterator[str]:
    """For each kind of user one sentence: which maps help at the largest number of training items, and what the oracle
    and the placebos do."""
    for (task, agent, access), part in summary.groupby(USER, sort=False):
        true = part[part["labels"] == "true"]
        last = true[true["training_items"] == true["training_items"].max()]
        rows = {row.explanation: row for row in last.itertuples()}
        whole = f"{NAMES.get(task, task).capitalize()}, {agent} ({NAMES.get(access, access)})"
        size = f"with {last['training_items'].iloc[0]:.0f} training items"
        known = f"{size} and no map {rows[NONE].accuracy:.3f} are right" if NONE in rows else size
        methods = [row for name, row in rows.items() if name not in CONTROLS]
        helping = [row for row in methods if row.verdict == GAIN]
        found = ", ".join(_gain(row) for row in (helping or methods))
        verdict = f"beyond placebos gain: {found}" if helping else f"no method gains beyond placebos: {found or 'none'}"
        others = [_gain(rows[name]) for name in (ORACLE, *PLACEBOS) if name in rows]
        mixed = part[(part["labels"] == "shuffled") & (part["explanation"] == NONE)]
        chance = f"; with shuffled labels and no map {mixed['accuracy'].iloc[0]:.3f}" if len(mixed) else ""
        yield f"{whole}: {known}; {verdict}; {', '.join(others)}{chance}."


def _gain(row: object) -> str:
    return f"{row.explanation} {row.gain_over_none:+.3f} [{row.low:+.3f}, {row.high:+.3f}]"


def readable(part: pd.DataFrame) -> pd.DataFrame:
    """The rows of one run to read: an accuracy or a gain with its interval in one cell."""
    shown = part[["task", "agent", "access", "labels", "training_items", "explanation"]].copy()
    shown["training_items"] = shown["training_items"].astype(int)
    for name, value, low, high in (
        ("accuracy", "accuracy", "accuracy_low", "accuracy_high"),
        ("gain over none", "gain_over_none", "low", "high"),
        ("gain over placebos", "gain_over_placebo", "placebo_low", "placebo_high"),
    ):
        shown[name] = [interval(*row) for row in part[[value, low, high]].to_numpy(float)]
    return shown.assign(chance=part["chance"], models=part["models"], users=part["users"], invalid=part["invalid"],
                        verdict=part["verdict"].fillna(""))  # fmt: skip
