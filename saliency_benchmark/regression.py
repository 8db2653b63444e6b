"""What the difference depends on: least squares on factors, with errors clustered by image. Only here: statsmodels."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from statsmodels.regression.linear_model import OLS

from saliency_benchmark.robustness_tables import NUMBERS

FACTORS = ("model", "method", "initialisation", "label")
# Columns whose values are pooled where a formula does not name them; any other tells tables apart.
POOLED = {*FACTORS, "image", "seed", "tuned"}
NUMBER_COLUMNS = ("estimate", "error", "low", "high", "t", "p")
COLUMNS = [
    *("term", "level", "reference", *NUMBER_COLUMNS),
    *("images", "rows", "invalid", "r_squared", "formula", "note"),
]
# Fewer clusters with a level tell nothing of its error: a level of one cluster is fitted exactly, with an error of 0.
LEAST = 5
FEW = f"fewer than {LEAST} clusters have the level or the reference: no error is known"
NAME = r"(?:1|[^\W\d]\w*)"
WRITTEN = re.compile(rf"\s*(\w+)\s*~\s*({NAME}(?:\s*[+:*]\s*{NAME})*)\s*")
TERM = re.compile(r"(\w+)\[(?:T\.)?(\d+)\]")


def regress(
    table: pd.DataFrame, formula: str | None = None, *, cluster: str = "image", confidence: float = 0.95
) -> pd.DataFrame:
    """Least squares by FORMULA, a fit per measure and per value of the columns that are neither pooled nor in it.

    FORMULA: `difference ~ model + method`, terms are columns joined by + : *, all of them factors, whose first level in
    the order of names is the reference. Without one: all of FACTORS that have two levels, each in two clusters, as long
    as they can be told apart; a part with fewer than two clusters then has no numbers. A coefficient whose level or
    reference fewer than LEAST clusters have gets no error. Errors are clustered by CLUSTER (Liang and Zeger,
    1986, with the small-sample factor G/(G-1) (N-1)/(N-K)), t with G - 1 degrees of freedom for G clusters. `invalid`:
    rows without a value, left out. Raises ValueError where a column is missing, a factor has one level, factors tell
    the same, or there are fewer than two clusters.
    """
    outcome, named = _parsed(formula, table) if formula else ("difference", [])
    _known(table, [*named, cluster])
    used = {*(named or FACTORS), *NUMBERS, *POOLED, cluster}
    names = [name for name in table.columns if name not in used]
    parts = []
    for values, part in table.groupby(names, sort=False) if names else [((), table)]:
        told = dict(zip(names, values, strict=True))
        place = ", ".join(f"{name} {value}" for name, value in told.items()) or "the table"
        valid = part[part[outcome].notna()].copy()
        # Image 3 of one data set is not image 3 of another.
        valid["cluster"] = (valid["dataset"] + " " if "dataset" in named else "") + valid[cluster]
        if formula is None and valid["cluster"].nunique() < 2:
            fitted = _nothing(valid)
        else:
            fitted = _fit(valid, formula or _usual(valid), named, place, confidence)
        counts = {"rows": len(valid), "invalid": len(part) - len(valid)}
        parts.append(fitted.assign(**told, **counts)[[*names, *COLUMNS]])
    return pd.concat(parts, ignore_index=True)


def _parsed(formula: str, table: pd.DataFrame) -> tuple[str, list[str]]:
    match = WRITTEN.fullmatch(formula)
    numbers = [name for name in NUMBERS if name in table]
    if not match or match[1] not in numbers:
        wanted = f"NUMBER ~ COLUMN + COLUMN, joined by + : or *, NUMBER one of {', '.join(numbers)}"
        raise ValueError(f"the formula is {formula!r}; wanted: {wanted}")
    named = list(dict.fromkeys(word for word in re.findall(r"\w+", match[2]) if not word.isdigit()))
    wrong = [name for name in named if name in (*NUMBERS, "measure", "image")]
    if wrong:
        raise ValueError(f"the formula has {wrong[0]!r} among its terms, which is no factor")
    return match[1], named


def _known(table: pd.DataFrame, names: Sequence[str]) -> None:
    missing = [name for name in names if name not in table]
    if missing:
        raise ValueError(f"there is no column {', '.join(missing)}; the table has: {', '.join(table.columns)}")


def _usual(valid: pd.DataFrame) -> str:
    """The formula of all FACTORS of VALID that have two levels and are no mixture of those before them."""
    chosen: list[str] = []
    for name in FACTORS:
        if name in valid and valid[name].nunique() > 1 and valid.groupby(name)["cluster"].nunique().min() > 1:
            columns = _dummies(valid, [*chosen, name])
            if np.linalg.matrix_rank(columns) == columns.shape[1]:
                chosen.append(name)
    return f"difference ~ {' + '.join(chosen) or '1'}"


def _dummies(valid: pd.DataFrame, names: list[str]) -> np.ndarray:
    return pd.get_dummies(valid[names].astype("category"), drop_first=True).assign(constant=1).to_numpy(float)


def _fit(valid: pd.DataFrame, formula: str, named: list[str], place: str, confidence: float) -> pd.DataFrame:
    clusters, groups = pd.factorize(valid["cluster"])
    if len(groups) < 2:
        raise ValueError(f"{place} has {len(groups)} clusters with a valid score; wanted: at least two")
    levels = {}
    for name in named or [word for word in re.findall(r"\w+", formula.partition("~")[2]) if word in valid]:
        levels[name] = sorted(valid[name].unique())
        if len(levels[name]) < 2:
            raise ValueError(f"{place}: {name} has one level ({levels[name][0]}); leave it out of the formula")
    # Levels by number: their names may hold anything.
    coded = {
        name: pd.Categorical(valid[name], each).rename_categories(range(len(each))) for name, each in levels.items()
    }
    model = OLS.from_formula(formula, valid.assign(**coded))
    if np.linalg.matrix_rank(model.exog) < model.exog.shape[1]:
        told = f"{model.exog.shape[1]} coefficients of {formula!r} cannot be told apart by its rows"
        raise ValueError(f"{place}: {told}; leave out a factor that another one tells, or an interaction with gaps")
    with np.errstate(divide="ignore", invalid="ignore"):  # where all rows are the same, no error is known
        fit = model.fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
        low, high = np.asarray(fit.conf_int(1 - confidence)).T
        numbers = zip(fit.params, fit.bse, low, high, fit.tvalues, fit.pvalues, strict=True)
    spread = ((model.endog - model.endog.mean()) ** 2).sum()
    rows = []
    for name, row in zip(model.exog_names, numbers, strict=True):
        told, numbered = _told(name, levels), dict(zip(NUMBER_COLUMNS, row, strict=True))
        few = _fewest(valid, _cell(name, levels), levels) < LEAST
        unknown = dict.fromkeys(NUMBER_COLUMNS[1:], np.nan) if few else {}
        rows.append({**told, **numbered, **unknown, "note": FEW if few else ""})
    fitted = 1 - fit.ssr / spread if spread > 0 else np.nan
    return pd.DataFrame(rows).assign(images=len(groups), r_squared=fitted, formula=formula)


def _fewest(valid: pd.DataFrame, cell: dict[str, str], levels: dict[str, list[str]]) -> int:
    """Clusters that have the levels of CELL, or its references, whichever are fewer; for the intercept all of them."""
    first = {factor: levels[factor][0] for factor in cell or levels}
    found = [valid[(valid[list(each)] == list(each.values())).all(axis=1)] for each in (first, cell or first)]
    return min(each["cluster"].nunique() for each in found)


def _nothing(valid: pd.DataFrame) -> pd.DataFrame:
    """The row of a part that is too small for a fit."""
    row = {
        "term": "intercept",
        "level": "",
        "reference": "",
        "formula": "",
        "note": "",
        "images": valid["cluster"].nunique(),
    }
    return pd.DataFrame([row | dict.fromkeys((*NUMBER_COLUMNS, "r_squared"), np.nan)])


def _told(name: str, levels: dict[str, list[str]]) -> dict[str, str]:
    """Factors, level and reference of the coefficient NAME; the intercept has no level."""
    pairs = _cell(name, levels)
    if not pairs:
        return {"term": name.lower(), "level": "", "reference": ""}
    return {
        "term": ":".join(pairs),
        "level": ":".join(pairs.values()),
        "reference": ":".join(levels[factor][0] for factor in pairs),
    }


def _cell(name: str, levels: dict[str, list[str]]) -> dict[str, str]:
    """Level by factor of the coefficient NAME."""
    return {factor: levels[factor][int(number)] for factor, number in TERM.findall(name)}
