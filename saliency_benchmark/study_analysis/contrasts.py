"""Every condition against the baseline, per task and access: difference, odds, equivalence, and what could be found."""

import numpy as np
import pandas as pd
from scipy import stats

from saliency_benchmark.study_analysis import modelling, testing, two_way

KEYS = ["task", "access", "condition", "baseline"]
COLUMNS = [
    *KEYS,
    *("difference", "error", "freedom", "low", "high", "p_difference", "p_difference_holm"),
    *("log_odds", "log_odds_error", "log_odds_low", "log_odds_high", "p", "p_holm"),
    *("bootstrap_low", "bootstrap_high", "margin", "equivalence_low", "equivalence_high", "p_equivalence"),
    *("smallest_detectable", "smallest_detectable_holm", "verdict"),
    *("participants", "baseline_participants", "items", "note"),
]
BORROWED = "no {} under this access: compared with it under the other one, where it is the same"
APART = "no item was seen under both: no difference by item"


def table(trials: pd.DataFrame, models: dict[str, modelling.Model], settings: dict) -> pd.DataFrame:
    """contrasts.csv of the evaluation TRIALS and the MODELS by task; no row where there is no baseline.

    SETTINGS: baseline, alpha, power, margin, confidence, resamples, seed.
    """
    parts = []
    for (task, access), part in trials.groupby(["task", "access"], sort=True):
        baseline, own = settings["baseline"], trials[trials["task"] == task]
        other = part[part["condition"] == baseline]
        note, where = "", access
        if not len(other):
            other, note = own[own["condition"] == baseline], BORROWED.format(baseline)
            where = other["access"].iloc[0] if len(other) else ""
        names = [name for name in sorted(part["condition"].unique()) if name != baseline]
        if not len(other) or not names:
            continue
        rows = []
        for name in names:
            found = _contrast(part[part["condition"] == name], other, settings)
            odds = _odds(models[task], (name, access), (baseline, where), settings["confidence"])
            keys = dict(zip(KEYS, (task, access, name, baseline), strict=True))
            rows.append(keys | found | odds | {"note": "; ".join(filter(None, [note, found["note"]]))})
        parts.append(_corrected(pd.DataFrame(rows), settings))
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _contrast(one: pd.DataFrame, other: pd.DataFrame, settings: dict) -> dict[str, object]:
    """What the two sets of trials tell of their difference, on the scale of probabilities."""
    both = pd.concat([other.assign(group=0), one.assign(group=1)])
    people, items = (pd.factorize(both[name])[0] for name in ("participant", "item"))
    trials = two_way.Trials(people, items, both["group"].to_numpy(), both["correct"].to_numpy(float))
    found = two_way.difference(trials)
    seen = [np.bincount(people, trials.group == group, trials.people) > 0 for group in (0, 1)]
    options = {name: settings[name] for name in ("confidence", "resamples", "seed")}
    drawn = two_way.interval(two_way.difference_statistic(trials), seen[0] + 2 * seen[1], trials.items, **options)
    low, high = found.interval(settings["confidence"])
    within = found.interval(1 - 2 * settings["alpha"])
    note = APART if np.isnan(found.value) else ""
    if found.error == 0 or (np.isnan(found.error) and not note):
        note = "no error is known: one participant, or all answers alike"
        found = two_way.Estimate(found.value, np.nan, np.nan)
        low, high, within, drawn = np.nan, np.nan, (np.nan, np.nan), (np.nan, np.nan)
    return {
        **{"difference": found.value, "error": found.error, "freedom": found.freedom, "low": low, "high": high},
        **{"p_difference": found.p(), "bootstrap_low": drawn[0], "bootstrap_high": drawn[1]},
        **{"margin": settings["margin"], "equivalence_low": within[0], "equivalence_high": within[1]},
        "p_equivalence": testing.equivalence(found, settings["margin"]),
        "smallest_detectable": testing.smallest_detectable(found, settings["alpha"], settings["power"]),
        "participants": int(seen[1].sum()),
        "baseline_participants": int(seen[0].sum()),
        "items": trials.items,
        "estimate": found,
        "note": note,
    }


def _odds(model: modelling.Model, one: tuple, other: tuple, confidence: float) -> dict[str, float]:
    value, error = model.contrast(one, other)
    reach = stats.norm.ppf((1 + confidence) / 2) * error
    p = 2 * stats.norm.sf(abs(value / error)) if error > 0 else np.nan
    told = {"log_odds": value, "log_odds_error": error, "log_odds_low": value - reach, "log_odds_high": value + reach}
    return told | {"p": float(p)}


def _corrected(rows: pd.DataFrame, settings: dict) -> pd.DataFrame:
    """ROWS of one task and access, a family: Holm's p-values, and verdicts.

    Verdicts go by the difference with clustered errors: the model has no slope per person or item, and takes an effect
    that is not the same for all to be more certain than it is.
    """
    rows = rows.assign(p_holm=testing.holm(rows["p"]), p_difference_holm=testing.holm(rows["p_difference"]))
    strict = settings["alpha"] / len(rows)
    least = [testing.smallest_detectable(each, strict, settings["power"]) for each in rows["estimate"]]
    pairs = zip(rows["p_difference_holm"], rows["p_equivalence"], strict=True)
    verdicts = [testing.verdict(*pair, settings["alpha"]) for pair in pairs]
    return rows.assign(smallest_detectable_holm=least, verdict=verdicts)
