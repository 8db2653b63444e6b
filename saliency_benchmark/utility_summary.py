"""What users gain from maps: utility.csv -> utility_summary.csv.

A gain is the difference of the accuracies of two users who differ by the explanation alone: the same trained model, the
same items, the same beginning.
"""

import numpy as np
import pandas as pd

from saliency_benchmark import seeds
from saliency_benchmark.utility_design import CONTROLS, NONE, PLACEBOS
from saliency_benchmark.utility_tables import UNITS, keys

GAIN, AS_PLACEBO, LOSS, OPEN, EMPTY = "gain", "gain as with a placebo", "loss", "no gain shown", "no value"
FIRST = ["dataset", "model", "recipe", "task", "explanation", "access", "agent", "split", "labels", "training_items"]
Interval = tuple[float, float]


def summarise(table: pd.DataFrame, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """A row per kind of user and explanation: mean accuracy, and the gains over no map and over the placebos' mean.

    TABLE as `utility_tables.read` gives it. Intervals are percentiles of means over trained models (`seed`) drawn with
    replacement, and in each over users (`repeat`) drawn with replacement: of the accuracy (`accuracy_low`, ...), the
    gain over none (`low`, `high`) and over placebos (`placebo_low`, ...). Pairs in which one is missing count in
    `invalid`. Verdicts on explanations that are no control: `gain` (both gains' intervals above 0), `gain as with a
    placebo` (only that over none), `loss` (that over none below 0), `no gain shown`.
    """
    options = {"confidence": confidence, "resamples": resamples, "seed": seed}
    names, rows = keys(table), []
    groups = table.groupby(names, sort=False, dropna=False) if names else [((), table)]
    for values, part in groups:
        told = dict(zip(names, values, strict=True))
        wide = _wide(part)
        for explanation in dict.fromkeys(part["explanation"]):
            row = _row(part, wide, explanation, options)
            rows.append({**told, "explanation": explanation, **row})
    made = pd.DataFrame(rows)
    first = [name for name in FIRST if name in made]
    return made[first + [name for name in made if name not in first]]


def _wide(part: pd.DataFrame) -> pd.DataFrame:
    """Accuracies, a row per user (seed, repeat), a column per explanation."""
    units = part.reindex(columns=[*UNITS, "explanation", "accuracy"]).fillna(dict.fromkeys(UNITS, ""))
    return units.pivot(index=list(UNITS), columns="explanation", values="accuracy")


def _row(part: pd.DataFrame, wide: pd.DataFrame, explanation: str, options: dict) -> dict:
    own = wide[explanation]
    placebos = [name for name in PLACEBOS if name in wide]
    missing = pd.Series(np.nan, wide.index)
    over_none = own - wide[NONE] if NONE in wide and explanation != NONE else missing
    over_placebo = (
        own - wide[placebos].mean(axis=1, skipna=False) if placebos and explanation not in placebos else missing
    )
    found = {"accuracy": own.mean(), **_named("accuracy_low", "accuracy_high", interval(own, **options))}
    found |= {"gain_over_none": over_none.mean(), **_named("low", "high", interval(over_none, **options))}
    found |= {"gain_over_placebo": over_placebo.mean()}
    found |= _named("placebo_low", "placebo_high", interval(over_placebo, **options))
    if "chance" in part:
        found["chance"] = part.loc[part["explanation"] == explanation, "chance"].mean()
    compared = own if explanation == NONE else over_none
    known = compared[compared.notna()]
    models = known.index.get_level_values("seed").nunique()
    return found | {"models": models, "users": len(known), "invalid": len(wide) - len(known),
                    "verdict": _verdict(found, explanation)}  # fmt: skip


def _named(low: str, high: str, found: Interval) -> dict[str, float]:
    return {low: found[0], high: found[1]}


def _verdict(found: dict[str, float], explanation: str) -> str:
    if explanation in CONTROLS:
        return ""
    if not np.isfinite(found["low"]):
        return EMPTY
    if found["low"] > 0:
        # Without placebos nothing is known of them, and a comparison with NaN is false.
        return AS_PLACEBO if not found["placebo_low"] > 0 else GAIN
    return LOSS if found["high"] < 0 else OPEN


def interval(values: pd.Series, *, confidence: float, resamples: int, seed: int) -> Interval:
    """Interval of the mean of VALUES by (seed, repeat); NaN where fewer than two are known.

    Explanations that were tried on the same users are drawn on the same ones.
    """
    known = values[values.notna()]
    if len(known) < 2:
        return np.nan, np.nan
    models = [each.to_numpy() for _, each in known.groupby(level="seed", sort=True)]
    rng, total = seeds.rng("utility bootstrap", seed), np.zeros(resamples)
    picked = rng.integers(0, len(models), (resamples, len(models)))
    for place in range(len(models)):
        for model, each in enumerate(models):
            rows = np.flatnonzero(picked[:, place] == model)
            total[rows] += each[rng.integers(0, len(each), (len(rows), len(each)))].mean(1)
    edges = (1 - confidence) / 2, (1 + confidence) / 2
    low, high = np.quantile(total / len(models), edges)
    return float(low), float(high)
