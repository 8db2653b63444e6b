"""What people answered, how sure they were and how long it took: means per cell, with intervals."""

import numpy as np
import pandas as pd

from saliency_benchmark.study_analysis import two_way

CELL = ["task", "condition", "access", "phase"]
COUNTS = ["participants", "items", "trials", "note"]
SAME = "all answers are {}: resampling has no width, the interval is not known"


def accuracy(trials: pd.DataFrame, options: dict) -> pd.DataFrame:
    """accuracy.csv: share of correct answers per cell, a two-way bootstrap interval, and what it is made of.

    OPTIONS: confidence, resamples, seed.
    """
    return _cells(trials, CELL, "correct", "accuracy", options)


def confidence_and_time(trials: pd.DataFrame, options: dict) -> pd.DataFrame:
    """confidence_time.csv: per cell the mean confidence, and the geometric mean of the response time in seconds."""
    sure = _cells(trials, CELL, "confidence", "value", options)
    timed = trials[trials["seconds"] > 0]
    time = _cells(timed.assign(seconds=np.log(timed["seconds"])), CELL, "seconds", "value", options)
    time[["value", "low", "high"]] = np.exp(time[["value", "low", "high"]])
    found = pd.concat([sure.assign(measure="confidence"), time.assign(measure="seconds")], ignore_index=True)
    return found[[*CELL, "measure", "value", "low", "high", *COUNTS]]


def calibration(trials: pd.DataFrame, options: dict) -> pd.DataFrame:
    """calibration.csv: share of correct evaluation answers per confidence."""
    asked = trials[(trials["phase"] == "evaluation") & trials["confidence"].notna()]
    asked = asked.assign(confidence=asked["confidence"].astype(int))
    return _cells(asked, [*CELL[:3], "confidence"], "correct", "accuracy", options)


def _cells(trials: pd.DataFrame, keys: list[str], value: str, name: str, options: dict) -> pd.DataFrame:
    rows = []
    for found, part in trials[trials[value].notna()].groupby(keys, sort=True):
        numbers = (part["participant"].nunique(), part["item"].nunique(), len(part))
        mean, low, high, note = _mean(part, value, options)
        rows.append((*found, mean, low, high, *numbers, note))
    return pd.DataFrame(rows, columns=[*keys, name, "low", "high", *COUNTS])


def _mean(part: pd.DataFrame, value: str, options: dict) -> tuple[float, float, float, str]:
    values = part[value].to_numpy(float)
    if np.ptp(values) == 0:
        told = f"{values[0]:g}" if value != "correct" else ("correct" if values[0] else "wrong")
        return float(values[0]), np.nan, np.nan, SAME.format(told)
    people, items = (pd.factorize(part[name])[0] for name in ("participant", "item"))
    cells = two_way.Trials(people, items, np.zeros(len(part), int), values)
    low, high = two_way.interval(two_way.mean_statistic(cells), np.zeros(cells.people), cells.items, **options)
    return float(values.mean()), low, high, "" if np.isfinite(low) else "fewer than two participants or items"
