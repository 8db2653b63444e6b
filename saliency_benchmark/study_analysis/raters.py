"""How far do raters agree on the codes of descriptions? Cohen's, Fleiss' and Krippendorff's coefficients, nominal.

All are functions of weights of the described units, so that intervals come from drawing the units anew.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from saliency_benchmark import bootstrap, foreign_tables

FORM = foreign_tables.Form(("participant", "rater", "code"), (), "codes")
COLUMNS = ["coefficient", "raters", "value", "low", "high", "units", "codes", "note"]


def read(path: str | Path) -> pd.DataFrame:
    """The codes in PATH: columns participant, rater, code, texts. Raises ValueError, as for two codes of one rater."""
    table = foreign_tables.read(path, FORM)[["participant", "rater", "code"]].astype(str)
    twice = table.duplicated(["participant", "rater"])
    if twice.any():
        row = table[twice].iloc[0]
        raise ValueError(f"{path}: the rater {row['rater']} has two codes for {row['participant']}; wanted: one")
    if table["rater"].nunique() < 2:
        raise ValueError(f"{path} has one rater; wanted: two or more")
    return table


def agreement(codes: pd.DataFrame, options: dict) -> pd.DataFrame:
    """kappa.csv: share of equal pairs and Krippendorff's alpha; Cohen's kappa of two raters, Fleiss' of more.

    OPTIONS of the BCa intervals over the units: confidence, resamples, seed.
    """
    wide = codes.pivot(index="participant", columns="rater", values="code")
    names = sorted(codes["code"].unique())
    given = np.stack([(wide == name).to_numpy() for name in names], 2).astype(float)  # (unit, rater, code)
    whole = given[given.sum((1, 2)) == given.shape[1]]
    paired = given[given.sum((1, 2)) >= 2]
    left = f"{len(given) - len(whole)} units that not every rater coded are left out" if len(whole) < len(given) else ""
    alone = f"{len(given) - len(paired)} units with one code are left out" if len(paired) < len(given) else ""
    found = [("equal_pairs", paired, equal_pairs, alone), ("krippendorff", paired, krippendorff, alone)]
    own = ("cohen", whole, cohen, left) if given.shape[1] == 2 else ("fleiss", whole, fleiss, left)
    rows = []
    for name, units, coefficient, note in [own, *found]:
        value = low = high = np.nan
        if len(units):
            statistic = coefficient(units)
            value = bootstrap.estimate(statistic, len(units))
            low, high = bootstrap.interval(statistic, len(units), **options)
        note = note if np.isfinite(value) else "; ".join(filter(None, [note, "one code alone, or no unit: no value"]))
        rows.append((name, given.shape[1], value, low, high, len(units), len(names), note))
    return pd.DataFrame(rows, columns=COLUMNS)


def cohen(given: np.ndarray) -> bootstrap.Statistic:
    """Cohen's kappa (1960) of two raters: GIVEN (unit, rater, code) of 0 and 1."""
    same = (given[:, 0] * given[:, 1]).sum(1)

    def statistic(weights: np.ndarray) -> np.ndarray:
        number = weights.sum(1)
        chance = ((weights @ given[:, 0]) * (weights @ given[:, 1])).sum(1) / number**2
        return _beyond(weights @ same / number, chance)

    return statistic


def fleiss(given: np.ndarray) -> bootstrap.Statistic:
    """Fleiss' kappa (1971) of as many raters for each unit."""
    counts = given.sum(1)
    raters = given.shape[1]
    same = (counts * (counts - 1)).sum(1) / (raters * (raters - 1))

    def statistic(weights: np.ndarray) -> np.ndarray:
        number = weights.sum(1)
        shares = (weights @ counts) / (number * raters)[:, None]
        return _beyond(weights @ same / number, (shares**2).sum(1))

    return statistic


def krippendorff(given: np.ndarray) -> bootstrap.Statistic:
    """Krippendorff's nominal alpha (2011) of units with two codes or more."""
    counts = given.sum(1)
    number = counts.sum(1)
    apart = (number**2 - (counts**2).sum(1)) / (number - 1)

    def statistic(weights: np.ndarray) -> np.ndarray:
        totals = weights @ counts
        all_ = totals.sum(1)
        expected = (all_**2 - (totals**2).sum(1)) / np.maximum(all_ - 1, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(expected > 0, 1 - weights @ apart / expected, np.nan)

    return statistic


def equal_pairs(given: np.ndarray) -> bootstrap.Statistic:
    """Share of a unit's pairs of raters that gave one code, the mean over the units."""
    counts = given.sum(1)
    number = counts.sum(1)
    same = (counts * (counts - 1)).sum(1) / (number * (number - 1))
    return lambda weights: weights @ same / weights.sum(1)


def _beyond(observed: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Agreement beyond CHANCE; NaN where chance agrees always."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(chance < 1 - 1e-12, (observed - chance) / (1 - chance), np.nan)
