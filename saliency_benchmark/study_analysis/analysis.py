"""From logs to tables: read, exclude by rule, estimate, compare."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from saliency_benchmark.study_analysis import (
    contrasts,
    logs,
    modelling,
    outcomes,
    participants,
    raters,
    rules,
    texts,
)

DRAWN = ("confidence", "resamples", "seed")


@dataclass(frozen=True)
class Result:
    """TABLES by name, sentences about what was left out and why (`notes`), the study, and how many of its people stay.

    Without anybody left, tables tell the exclusions alone.
    """

    study: str
    tables: dict[str, pd.DataFrame]
    notes: list[str]
    people: int
    kept: int


def analyse(
    paths: Iterable[str | Path],
    exclusions: dict,
    settings: dict,
    *,
    study: str | None = None,
    codes: str | Path | None = None,
) -> Result:
    """All tables of the logs in PATHS; EXCLUSIONS by `rules.completed`, SETTINGS by `study_settings.analysis`.

    Raises ValueError where no log or table can be used at all.
    """
    coded = None if codes is None else raters.read(codes)
    read = logs.read(paths, study)
    events = participants.table(read)
    people = rules.apply(participants.people(events, read), exclusions)
    problems = pd.concat([read.problems, participants.problems(events)], ignore_index=True)
    tables = {
        "problems": problems,
        "participants": people,
        "exclusions": rules.counts(people, exclusions),
    }
    stay = events[events["participant"].isin(people.loc[people["kept"], "participant"])]
    notes = list(_notes(read, problems, people))
    if len(stay):
        tables |= _estimates(stay, settings, notes)
    if coded is not None:
        tables["kappa"] = raters.agreement(coded, {name: settings[name] for name in DRAWN})
        tables["codes"] = texts.codes_by_condition(coded, people)
        strangers = sorted(set(coded["participant"]) - set(people["participant"]))
        if strangers:
            notes.append(f"codes of {len(strangers)} participants who have no log: {', '.join(strangers[:5])}")
    return Result(read.study, tables, notes, len(people), int(people["kept"].sum()))


def _estimates(events: pd.DataFrame, settings: dict, notes: list[str]) -> dict[str, pd.DataFrame]:
    """The tables of what those who stay answered; what cannot be told is added to NOTES."""
    options = {name: settings[name] for name in DRAWN}
    trials = participants.trials(events)
    evaluation = trials[trials["phase"] == "evaluation"]
    models = {task: modelling.model(part, settings["baseline"]) for task, part in evaluation.groupby("task", sort=True)}
    compared = contrasts.table(evaluation, models, settings)
    if not len(evaluation):
        notes.append("there is no evaluation trial: nothing is compared")
    elif not len(compared):
        notes.append(f"nothing to compare: no condition {settings['baseline']!r} beside others")
    notes += [f"{task}: {note}" for task, model in models.items() for note in model.notes]
    modelled = [modelling.table(task, model, settings["confidence"]) for task, model in models.items()]
    return {
        "accuracy": outcomes.accuracy(trials, options),
        "contrasts": compared,
        "model": pd.concat(modelled, ignore_index=True) if modelled else pd.DataFrame(columns=modelling.COLUMNS),
        "confidence_time": outcomes.confidence_and_time(trials, options),
        "calibration": outcomes.calibration(trials, options),
        "questionnaire": texts.questionnaire(events, settings["confidence"]),
        "descriptions": texts.descriptions(events, settings["seed"]),
    }


def _notes(read: logs.Logs, problems: pd.DataFrame, people: pd.DataFrame) -> list[str]:
    """What is wrong with the logs and who is left out, in sentences."""
    counts = problems["problem"].value_counts().sort_index()
    told = [f"{name}: {number} ({_places(problems[problems['problem'] == name])})" for name, number in counts.items()]
    left = people[~people["kept"]]
    reasons = pd.Series([text.partition(";")[0] for text in left["excluded"]], dtype=str).value_counts().sort_index()
    if len(left):
        by = ", ".join(f"{name} {number}" for name, number in reasons.items())
        told.append(f"{len(left)} of {len(people)} participants are excluded, by the first rule broken: {by}")
    return told


def _places(part: pd.DataFrame) -> str:
    first = part.iloc[0]
    line = "" if pd.isna(first["line"]) else f" line {first['line']}"
    return f"first: {first['file']}{line}: {first['detail']}"
