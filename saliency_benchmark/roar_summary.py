"""How far each method's ROAR curve lies from the control's: roar.csv -> roar_summary.csv."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from saliency_benchmark import ratios, roar_areas, seeds
from saliency_benchmark.roar_areas import Areas

CURVE = ["method", "fraction", "repeat", "accuracy"]
FIRST = ["dataset", "model", "recipe", "seed", "method", "order", "area_score", "low", "high", "beats_random"]
ONE_REPEAT = "one repeat: how far retraining moves the curve is not known"
ONE_SEED = "one seed"
ALL = "all"


def summarise(
    roar: pd.DataFrame, control: str, *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """Area score of each curve, a row per method; CONTROL names the method that knows nothing.

    `area_score` is `roar_areas.area_score` of the mean curves; `gain` what is above its fraction stroke, the mean
    difference of accuracy. `low`, `high`: Fieller's interval over the repeats, method and control paired; `gain_low`,
    `gain_high`: Student's t; `bootstrap_low`, `bootstrap_high`: percentiles of the repeats drawn anew, as published,
    and too narrow for few. `beats_random`: is all of the interval of the gain above 0? Empty without one. Where there
    are several seeds, a row of seed `all` is over the seeds: its intervals take each seed's mean for one number, its
    bootstrap draws seeds, and repeats within. Columns other than method, fraction, repeat, accuracy are keys.
    """
    options = {"confidence": confidence, "resamples": resamples, "seed": seed}
    rows = []
    for names, parts in runs(roar):
        order = str(names.get("order", "remove"))
        curves = [roar_areas.by_method(part) for part in parts]
        for method in dict.fromkeys(method for each in curves for method in each):
            found = [
                roar_areas.compared(each[method], each[control], each[control], order)
                for each in curves
                if method in each and control in each
            ]
            told = row(found, len(parts), order, **options) if found else _empty(f"no curve of the control {control!r}")
            rows.append({**names, "method": method, **told})
    table = pd.DataFrame(rows)
    return table[ordered(table, FIRST)]


def runs(roar: pd.DataFrame) -> Iterator[tuple[dict, list[pd.DataFrame]]]:
    """Keys and rows of each run and order; with several seeds then `all` of them, a part per seed."""
    keys = [column for column in roar.columns if column not in CURVE]
    for names, part in _grouped(roar, keys):
        yield names, [part]
    if "seed" not in keys or roar["seed"].nunique() < 2:
        return
    for names, part in _grouped(roar, [key for key in keys if key != "seed"]):
        parts = [rows for _, rows in part.groupby("seed", sort=False, observed=True)]
        if len(parts) > 1:
            yield {key: ALL if key == "seed" else names[key] for key in keys}, parts


def _grouped(roar: pd.DataFrame, keys: list[str]) -> Iterator[tuple[dict, pd.DataFrame]]:
    if not keys:
        yield {}, roar
        return
    for values, part in roar.groupby(keys, sort=False, dropna=False, observed=True):
        yield dict(zip(keys, values, strict=True)), part


def ordered(table: pd.DataFrame, first: list[str]) -> list[str]:
    """Columns of TABLE, those of FIRST before the others."""
    known = [column for column in first if column in table]
    return known + [column for column in table if column not in known]


def row(found: list[Areas], seeds_there: int, order: str, *, confidence: float, resamples: int, seed: int) -> dict:
    """What a summary says of a curve: FOUND is one of `Areas` for each seed that has it."""
    found = [each for each in found if len(each.gain)] or found[:1]
    gain, room = units(found, seeds_there)
    score = ratios.ratio(gain, room)
    low, high = ratios.ratio_interval(gain, room, confidence)
    gain_low, gain_high = ratios.mean_interval(gain, confidence)
    shown = dict(zip(("area_score", "low", "high"), np.clip([score, low, high], -1, 1), strict=True))
    bootstrap = (np.nan, np.nan)
    if len(gain) > 1 and np.isfinite(score):
        pairs = [np.stack([each.gain, each.room], 1) for each in found]
        bootstrap = _percentiles(ratios.drawn(pairs, resamples, seeds.rng("roar", seed)), confidence)
    return {
        **shown,
        "beats_random": "" if np.isnan(gain_low) else bool(gain_low > 0),
        "gain": gain.mean() if len(gain) else np.nan,
        "gain_low": gain_low,
        "gain_high": gain_high,
        "bootstrap_low": bootstrap[0],
        "bootstrap_high": bootstrap[1],
        "repeats": sum(len(each.gain) for each in found),
        "seeds": len(found),
        "fractions": min(each.fractions for each in found),
        "better_fractions": min(each.better for each in found),
        "left_out": sum(each.left_out for each in found),
        "invalid": sum(each.invalid for each in found),
        "note": "; ".join(notes(found, seeds_there, order, score, low)),
    }


def units(found: list[Areas], seeds_there: int) -> tuple[np.ndarray, np.ndarray]:
    """Gain and room by unit: the repeats of one seed, or the seeds' means, which hold the spread of their repeats."""
    if seeds_there == 1 or not len(found[0].gain):
        return found[0].gain, found[0].room
    return tuple(np.array([getattr(each, name).mean() for each in found]) for name in ("gain", "room"))


def notes(found: list[Areas], seeds_there: int, order: str, score: float, low: float) -> Iterator[str]:
    """Why a number is not there, or is not what it seems."""
    gain, room = units(found, seeds_there)
    first = found[0]
    if not len(gain):
        yield "no repeat has all accuracies of both"
        return
    if first.fractions == 0:
        yield "no fraction strictly between 0 and 1 in common"
    if len(found) < seeds_there:
        yield f"of {len(found)} of {seeds_there} seeds"
    if len(gain) == 1:
        yield ONE_REPEAT if seeds_there == 1 else ONE_SEED
    end = roar_areas.BEST[order]
    if np.isnan(room).any():
        yield f"no accuracy at fraction {end:g} ({roar_areas.NAMES[order]}), which an area score needs: see gain"
    elif np.isnan(score):
        yield f"the control is not on the right side of its accuracy at fraction {end:g}: no room for an area score"
    elif len(gain) > 1 and np.isnan(low):
        yield "the control's room differs too much between repeats for an interval"
    if first.span != (0, 1) and first.fractions:
        yield f"areas from fraction {first.span[0]:g} to {first.span[1]:g} only"
    if abs(score) > 1:
        yield f"clipped from {score:.2f}"
    if left_out := sum(each.left_out for each in found):
        yield f"{left_out} accuracies at fractions or repeats that the other curve does not have are left out"
    if invalid := sum(each.invalid for each in found):
        yield f"{invalid} accuracies without a value: their repeats are left out"


def _percentiles(samples: np.ndarray, confidence: float) -> tuple[float, float]:
    above, below = samples.T
    valid = below > 0
    if not valid.any():
        return np.nan, np.nan
    ends = np.quantile(above[valid] / below[valid], [(1 - confidence) / 2, (1 + confidence) / 2])
    return tuple(np.clip(ends, -1, 1))


def _empty(note: str) -> dict:
    intervals = ("gain", "gain_low", "gain_high", "bootstrap_low", "bootstrap_high")
    counts = ("repeats", "seeds", "fractions", "better_fractions", "left_out", "invalid")
    numbers = dict.fromkeys(("area_score", "low", "high"), np.nan) | {"beats_random": ""}
    return numbers | dict.fromkeys(intervals, np.nan) | dict.fromkeys(counts, 0) | {"note": note}
