"""What participants wrote: the questionnaire by condition, and descriptions to be coded blind to the condition."""

import json
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats

from saliency_benchmark import seeds

QUESTIONNAIRE = ["question", "condition", "access", "mean", "low", "high", "participants", "other_answers"]
DESCRIPTIONS = ["participant", "task", "item", "text"]
CODES = ["code", "condition", "access", "share", "participants"]


def questionnaire(events: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """questionnaire.csv: mean of the answers that are numbers, with Student's interval over participants.

    An answer is a value, whose question is the item, or an object of values by question. `other_answers`: no numbers.
    """
    rows = []
    for _, event in events[events["phase"] == "questionnaire"].iterrows():
        for question, answer in _answers(event):
            rows.append((question, event["condition"], event["access"], event["participant"], answer))
    found = pd.DataFrame(rows, columns=["question", "condition", "access", "participant", "answer"])
    found = found.drop_duplicates(["question", "participant", "condition", "access"], keep="last")
    made = []
    for keys, part in found.groupby(["question", "condition", "access"], sort=True):
        numbers = np.array([answer for answer in part["answer"] if answer is not None], float)
        mean = numbers.mean() if len(numbers) else np.nan
        reach = np.nan
        if len(numbers) > 1:
            reach = stats.t.ppf((1 + confidence) / 2, len(numbers) - 1) * numbers.std(ddof=1) / np.sqrt(len(numbers))
        made.append((*keys, mean, mean - reach, mean + reach, len(part), len(part) - len(numbers)))
    return pd.DataFrame(made, columns=QUESTIONNAIRE)


def descriptions(events: pd.DataFrame, seed: int) -> pd.DataFrame:
    """descriptions.csv: what raters code; in a seeded order, without the condition."""
    found = events[(events["phase"] == "description") & events["answer"].notna()]
    texts = [
        answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False) for answer in found["answer"]
    ]
    found = found.assign(text=texts)[DESCRIPTIONS]
    return found.iloc[seeds.rng("descriptions", seed).permutation(len(found))].reset_index(drop=True)


def codes_by_condition(codes: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """codes.csv: share of each code among all that the raters gave to kept participants, per condition and access."""
    told = codes.merge(people.loc[people["kept"], ["participant", "condition", "access"]], on="participant")
    rows = [
        (code, *keys, float((part["code"] == code).mean()), part["participant"].nunique())
        for keys, part in told.groupby(["condition", "access"], sort=True)
        for code in sorted(codes["code"].unique())
    ]
    return pd.DataFrame(rows, columns=CODES)


def _answers(event: pd.Series) -> Iterator[tuple[str, float | None]]:
    """Questions of EVENT, and their answers as numbers; None where one is no number."""
    answer, name = event["answer"], event["item"] if isinstance(event["item"], str) else f"question {event['trial']}"
    for question, value in answer.items() if isinstance(answer, dict) else [(name, answer)]:
        if value is not None and not (isinstance(value, float) and np.isnan(value)):
            yield str(question), _number(value)


def _number(value: object) -> float | None:
    try:
        found = float(value) if isinstance(value, str | int | float) else np.nan
    except (ValueError, OverflowError):
        return None
    return found if np.isfinite(found) else None
