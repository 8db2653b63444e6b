"""Events -> a row per participant with all that the rules ask, and a row per trial that can be analysed."""

import numpy as np
import pandas as pd

from saliency_benchmark.study.log_form import TRIALS
from saliency_benchmark.study_analysis.logs import PROBLEMS, Logs

ANSWERS_TO_JUDGE = 8  # fewer evaluation trials cannot tell a straight line
TRIAL = ["participant", "condition", "access", "task", "phase", "trial", "item", "answer", "correct", "confidence"]


def table(logs: Logs) -> pd.DataFrame:
    """A row per event, in the order of participants and sequence.

    More columns: `no_map` (a trial that should show one and does not), `impossible` (a negative time, or before the
    event before it), `pilot` (a line that says so).
    """
    events = pd.DataFrame(logs.events)
    events["rt_ms"] = events["rt_ms"].astype(float)
    trial = events["phase"].isin(TRIALS)
    shown = (events["phase"] == "training") | (events["access"] == "training_evaluation")
    events["no_map"] = trial & shown & (events["condition"] != "none") & events["map"].isna()
    events["pilot"] = [event.get("pilot") is True for event in logs.events]
    events["back"] = events.groupby("participant")["moment"].diff() < 0
    events["impossible"] = (events["rt_ms"] < 0) | events["back"]
    return events


def people(events: pd.DataFrame, logs: Logs) -> pd.DataFrame:
    """A row per participant: condition and access (`several` joined by +), and the measures of `rules.RULES`."""
    twice = logs.problems[logs.problems["problem"].isin(["two_logs", "other_content"])]["participant"].value_counts()
    rows = []
    for name, part in events.groupby("participant", sort=True):
        rows.append(
            {
                "participant": name,
                **{key: "+".join(sorted(part[key].unique())) for key in ("condition", "access")},
                "file": str(part["file"].iloc[0]),
                "two_contents": int(twice.get(name, 0)),
                "pilot": int(part["pilot"].any()),
                "lost_lines": 1 - len(part) / (part["sequence"].max() + 1),
                "unfinished": int((part["phase"] != "end").all()),
                "no_evaluation": int((part["phase"] != "evaluation").all()),
                "impossible_times": int(part["impossible"].sum()),
                **_measures(part),
            }
        )
    return pd.DataFrame(rows)


def _measures(part: pd.DataFrame) -> dict[str, float]:
    """Shares and times of one participant; NaN where there is nothing to judge."""
    phase = part["phase"]
    trials = part[phase.isin(TRIALS)]
    answers = part.loc[phase == "evaluation", "answer"].astype(float)
    ones = answers.mean() if len(answers) >= ANSWERS_TO_JUDGE else np.nan
    reading = part.loc[(phase == "instructions") & part["rt_ms"].notna(), "rt_ms"]
    return {
        "missing_maps": trials["no_map"].mean(),
        "catch_share": part.loc[phase == "attention", "correct"].astype(float).mean(),
        "reading_seconds": reading.sum() / 1000 if len(reading) else np.nan,
        "total_minutes": (part["moment"].max() - part["moment"].min()) / 60,
        "same_answer": max(ones, 1 - ones),
        "trials": len(trials),
        "evaluation_trials": len(answers),
    }


def trials(events: pd.DataFrame) -> pd.DataFrame:
    """The trials that can be analysed: the first answer to each, with its map and a possible time.

    Columns: TRIAL, and `seconds`, the response time; `correct` is 0 or 1.
    """
    found = events[events["phase"].isin(TRIALS)]
    found = found.drop_duplicates(["participant", "task", "phase", "trial"])
    found = found[~found["no_map"] & (found["rt_ms"] >= 0)]
    numbers = {name: found[name].astype(float) for name in ("answer", "correct", "confidence")}
    return found[TRIAL].assign(**numbers, seconds=found["rt_ms"] / 1000).reset_index(drop=True)


def problems(events: pd.DataFrame) -> pd.DataFrame:
    """What is wrong with whole lines: times, maps, and trials that were answered twice; a row each."""
    twice = events["phase"].isin(TRIALS) & events.duplicated(["participant", "task", "phase", "trial"])
    negative = events["rt_ms"] < 0
    kinds = (
        ("impossible_time", negative, "a negative response time"),
        ("impossible_time", events["back"], "before the event before it"),
        ("missing_map", events["no_map"], "a trial of a condition with maps, and no map"),
        ("repeated_trial", twice, "a trial that was answered before; the first answer counts"),
    )
    parts = []
    for kind, hit, detail in kinds:
        part = events.loc[hit, ["participant", "file", "line"]]
        parts.append(part.assign(problem=kind, detail=detail)[PROBLEMS])
    return pd.concat(parts, ignore_index=True)
