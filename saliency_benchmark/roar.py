"""Curves of remove-and-retrain, and how far a method's lies from the random one's."""

import numpy as np
import pandas as pd

from saliency_benchmark import files, seeds

COLUMNS = ["dataset", "model", "recipe", "seed", "method", "order", "fill", "unit", "fraction", "repeat", "accuracy"]
CURVE = ["method", "fraction", "repeat", "accuracy"]
CONFIDENCE = 0.95


def curves(accuracy: list[str], ends: list[str], keys: list[dict]) -> pd.DataFrame:
    """roar.csv from the tables of retrained accuracies, each with the table of its curve's ends and its keys.

    The ends (nothing removed, everything) are shared by all methods; with order keep they change places, since there
    `fraction` is the share that is kept.
    """
    tables = []
    for path, end, row in zip(files.listed(accuracy), files.listed(ends), keys, strict=True):
        middle, both = pd.read_csv(path), pd.read_csv(end)
        if row["order"] == "keep":
            both["fraction"] = 1 - both["fraction"]
        curve = pd.concat([middle, both]).sort_values("fraction")
        tables.append(curve.assign(**row))
    return pd.concat(tables)[COLUMNS]


def summarise(roar: pd.DataFrame, control: str, *, resamples: int = 2000, seed: int = 0) -> pd.DataFrame:
    """Area score of each curve: roar.csv -> roar_summary.csv. CONTROL names the method that knows nothing.

    remove: area(control - method) / area(control - all removed); keep and remove_least: area(method - control) /
    area(nothing removed - control); trapezoids over the fraction, clipped to [-1, 1] (RACU: Madsen et al., 2022,
    eq. 1). The interval is a 95 % percentile bootstrap over the repeats, method and control drawn together; empty with
    one repeat.
    """
    keys = [column for column in roar.columns if column not in CURVE]
    rows = []
    for values, part in roar.groupby(keys, sort=False, dropna=False):
        names = dict(zip(keys, values, strict=True))
        curves = {
            method: curve.pivot(index="repeat", columns="fraction", values="accuracy")
            for method, curve in part.groupby("method", sort=False)
        }
        for method, curve in curves.items():
            score = _scored(curve, curves.get(control), names.get("order", "remove"), resamples, seed)
            rows.append({**names, "method": method, **score})
    table = pd.DataFrame(rows)
    first = [column for column in ("dataset", "model", "recipe", "seed", "method", "order") if column in table]
    first += ["area_score", "low", "high", "beats_random"]
    return table[first + [column for column in table if column not in first]]


def _scored(curve: pd.DataFrame, control: pd.DataFrame | None, order: str, resamples: int, seed: int) -> dict:
    empty = {"area_score": np.nan, "low": np.nan, "high": np.nan, "beats_random": "", "repeats": len(curve)}
    if control is None:
        return empty
    index, columns = curve.index.intersection(control.index), curve.columns.intersection(control.columns)
    ours, theirs = (frame.loc[index, columns].to_numpy() for frame in (curve, control))
    if not len(index) or len(columns) < 2 or np.isnan(ours).any() or np.isnan(theirs).any():
        return empty
    fractions = columns.to_numpy(float)
    low = high = np.nan
    if len(index) > 1:
        draws = seeds.rng("roar", seed).integers(0, len(index), (resamples, len(index)))
        sample = area_score(ours[draws].mean(1), theirs[draws].mean(1), fractions, order)
        low, high = np.quantile(sample, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    score = area_score(ours.mean(0), theirs.mean(0), fractions, order)
    return {
        **empty,
        "area_score": float(score),
        "low": low,
        "high": high,
        "beats_random": "" if np.isnan(low) else bool(low > 0),
    }


def area_score(curve: np.ndarray, control: np.ndarray, fractions: np.ndarray, order: str) -> np.ndarray:
    """Curves (..., fraction) -> (...); see `summarise`."""
    best = curve[..., :1] if order == "remove_least" else curve[..., -1:]
    gain, room = (control - curve, control - best) if order == "remove" else (curve - control, best - control)
    areas = [np.trapezoid(part, fractions, axis=-1) for part in (gain, room)]
    return np.clip(np.divide(*areas, out=np.full(np.shape(areas[0]), np.nan), where=areas[1] != 0), -1, 1)
