"""Do protocols rank the methods alike? Spearman correlations between them: protocol_agreement.csv.

A protocol gives each method a number, higher for the better method: the mean height of its curve, negated where a
lower curve is better, or a metric's mean score. No control is needed, and area scores would give the same order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from saliency_benchmark import curves, files, ratios, roar_areas, roar_summary, seeds

RUN = ["dataset", "model", "recipe", "seed"]
# By table: what was done between masking and asking for the accuracy.
DONE = {"roar": "retrained", "masked_accuracy": "not retrained", "recursive_roar": "recursive"}
ENOUGH = 4  # methods; of three there are six orders


@dataclass(frozen=True)
class Protocol:
    """What one protocol says of the methods of a run: a part per seed, (repeat, method); one row where none repeats."""

    methods: list[str]
    parts: list[np.ndarray]

    def of(self, methods: list[str]) -> list[np.ndarray]:
        places = [self.methods.index(method) for method in methods]
        return [part[:, places] for part in self.parts]


def agreement(
    tables: dict[str, pd.DataFrame],
    scores: pd.DataFrame,
    groups: dict[str, dict[str, list[str]]],
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """A row per run, group and pair of protocols.

    TABLES: curves by what was done ("retrained", "not retrained", ...), as roar.csv, `repeat` optional; a protocol of
    theirs is named by that, its order, fill and unit. SCORES: rows of summary.csv of the metrics that are protocols
    themselves. GROUPS: members of each group by data set. `spearman` has mid-ranks for ties, over the `methods` that
    both protocols have; with fewer than four of them it is empty. `low`, `high`: percentiles over samples of the
    repeats, the same for both protocols, stretched by sqrt(n / (n - 1)) for the variance that few repeats hide; over
    `all` seeds, seeds and repeats within. Empty where nothing repeats; scores count as known.
    """
    rows = []
    for run, protocols in _runs(tables, scores):
        for group, members in groups.get(run["dataset"], {}).items():
            for first, second in combinations(protocols, 2):
                known = [protocols[name].methods for name in (first, second)]
                methods = [method for method in members if all(method in names for names in known)]
                pair = [protocols[name].of(methods) for name in (first, second)]
                told = _correlated(pair, len(methods), confidence, resamples, seed)
                rows.append({**run, "group": group, "first": first, "second": second, **told})
    names = [*RUN, "group", "first", "second", "spearman", "low", "high", "methods", "repeats", "note"]
    return pd.DataFrame(rows, columns=names)


def curve_tables(paths: object) -> dict[str, pd.DataFrame]:
    """Tables of curves by what was done, as their names say."""
    return {DONE[Path(path).stem]: pd.read_csv(path) for path in files.listed(paths)}


def scores(paths: object) -> pd.DataFrame:
    """Mean scores of all methods from tables like summary.csv, of which there may be none."""
    nothing = pd.DataFrame(columns=[*RUN, "method", "group", "metric", "direction", "mean"])
    found = [nothing, *(pd.read_csv(path) for path in files.listed(paths))]
    table = pd.concat(found[1:] or found)
    return table[table["group"] == "all+controls"]


def heights(part: pd.DataFrame, order: str) -> tuple[list[str], np.ndarray]:
    """Methods, and mean heights of their curves (repeat, method) on the fractions and repeats that all of them have."""
    if "repeat" not in part:
        part = part.assign(repeat=0)
    frames = roar_areas.by_method(part)
    fractions = sorted(set.intersection(*(set(frame.columns) for frame in frames.values())))
    wide = pd.concat([frame[fractions] for frame in frames.values()], axis=1, join="inner").dropna()
    values = wide.to_numpy(float).reshape(len(wide), len(frames), len(fractions))
    sign = 1 if roar_areas.HIGHER[order] else -1
    return list(frames), sign * roar_areas.mean_height(values, np.array(fractions, float))


def _runs(tables: dict[str, pd.DataFrame], scores: pd.DataFrame) -> Iterator[tuple[dict, dict[str, Protocol]]]:
    found: dict[tuple, dict[str, Protocol]] = {}
    for done, table in tables.items():
        keys = [column for column in table if column not in roar_summary.CURVE]
        for values, part in table.groupby(keys, sort=False, observed=True):
            names = dict(zip(keys, values, strict=True))
            told = ", ".join(str(names[key]) for key in ("order", "fill", "unit") if key in names)
            methods, values = heights(part, str(names.get("order", "remove")))
            run = tuple(str(names[key]) for key in RUN)
            if len(values) and np.isfinite(values).any():
                found.setdefault(run, {})[f"{told}; {done}"] = Protocol(methods, [values])
    for values, part in scores.groupby([*RUN, "metric", "direction"], sort=False):
        part = part[part["mean"].notna()].drop_duplicates("method")
        sign = 1 if values[5] == "higher" else -1
        run = tuple(map(str, values[:4]))
        if run in found:
            found[run][values[4]] = Protocol(list(part["method"]), [sign * part["mean"].to_numpy(float)[None]])
    for run, protocols in found.items():
        yield dict(zip(RUN, run, strict=True)), protocols
    yield from _over_seeds(found)


def _over_seeds(found: dict[tuple, dict[str, Protocol]]) -> Iterator[tuple[dict, dict[str, Protocol]]]:
    for run in dict.fromkeys(key[:3] for key in found):
        several = [protocols for key, protocols in found.items() if key[:3] == run]
        if len(several) < 2:
            continue
        joined = {}
        for name in several[0]:
            parts = [protocols[name] for protocols in several if name in protocols]
            methods = [method for method in parts[0].methods if all(method in part.methods for part in parts)]
            if len(parts) == len(several):
                joined[name] = Protocol(methods, [part.of(methods)[0] for part in parts])
        yield dict(zip(RUN, (*run, roar_summary.ALL), strict=True)), joined


def _correlated(
    pair: list[list[np.ndarray]], methods: int, confidence: float, resamples: int, seed: int
) -> dict[str, object]:
    units = [len(parts) if len(parts) > 1 else len(parts[0]) for parts in pair]
    told = {"spearman": np.nan, "low": np.nan, "high": np.nan, "methods": methods, "repeats": max(units), "note": ""}
    if methods < ENOUGH:
        return told | {"note": f"fewer than {ENOUGH} methods"}
    means = [np.mean([part.mean(0) for part in parts], 0) for parts in pair]
    told["spearman"] = float(curves.spearman(*(mean[None] for mean in means))[0])
    if np.isnan(told["spearman"]):
        return told | {"note": "all methods tie in one of them"}
    if max(units) < 2:
        return told | {"note": "nothing repeats: no interval"}
    samples = []
    for parts, mean, number in zip(pair, means, units, strict=True):
        # The same generator for both: a repeat has the same seed in every protocol.
        sample = ratios.drawn(parts, resamples, seeds.rng("protocols", seed))
        samples.append(mean + (number / max(1, number - 1)) ** 0.5 * (sample - mean))
    drawn = curves.spearman(*samples)
    low, high = np.quantile(drawn[np.isfinite(drawn)], [(1 - confidence) / 2, (1 + confidence) / 2])
    return told | {"low": float(low), "high": float(high), "note": "few repeats" if max(units) < 5 else ""}
