"""The mixed model of a task, its terms as a table, and its contrasts of any two cells."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from saliency_benchmark.study_analysis import mixed_model

COLUMNS = [
    *("task", "term", "estimate", "error", "low", "high", "z", "p", "formula", "participants", "items", "trials"),
    *("deviance", "note"),
]
RANDOM = "(1 | participant) + (1 | item)"
Cell = tuple[str, str]  # condition, access


@dataclass(frozen=True)
class Model:
    """A fit with a coefficient per cell, and the terms as sums of them; `fit` is None where nothing could be fitted."""

    fit: mixed_model.Fit | None
    cells: list[Cell]
    terms: dict[str, np.ndarray]
    formula: str
    counts: tuple[int, int, int]
    notes: tuple[str, ...]

    def contrast(self, one: Cell, other: Cell) -> tuple[float, float]:
        """Log odds of ONE cell less those of the OTHER, and the standard error; NaN where one is not in the model."""
        if self.fit is None or one not in self.cells or other not in self.cells:
            return np.nan, np.nan
        return self.fit.combined(_unit(self.cells, one) - _unit(self.cells, other))


def model(trials: pd.DataFrame, baseline: str) -> Model:
    """Fit to the evaluation TRIALS of one task. The reference: BASELINE (else the first condition), the first access.

    Cells in which all answers are correct, or all wrong, have no finite coefficient: they are left out, and told.
    """
    notes = []
    means = trials.groupby(["condition", "access"])["correct"].mean()
    for (condition, access), mean in means[means.isin([0, 1])].items():
        what = "correct" if mean else "wrong"
        notes.append(f"separation: all answers under {condition}, {access} are {what}; left out of the model")
    cells = sorted((cell for cell in means[~means.isin([0, 1])].index), key=lambda cell: (cell[0] != baseline, *cell))
    own = trials[pd.MultiIndex.from_frame(trials[["condition", "access"]]).isin(cells)]
    people, items = (pd.factorize(own[name])[0] for name in ("participant", "item"))
    counts = (own["participant"].nunique(), own["item"].nunique(), len(own))
    terms, formula = _terms(cells)
    if formula != f"correct ~ condition * access + {RANDOM}":
        notes.append("the design does not cross several conditions with both kinds of access; the formula is reduced")
    design = np.array([pd.MultiIndex.from_frame(own[["condition", "access"]]) == cell for cell in cells], float).T
    try:
        if not cells:
            raise ValueError("there is no trial to fit")
        found = mixed_model.fit(design, own["correct"].to_numpy(), people, items)
    except (ValueError, np.linalg.LinAlgError) as error:
        return Model(None, cells, terms, formula, counts, (*notes, f"no model: {error}"))
    return Model(found, cells, terms, formula, counts, (*notes, *found.notes))


def table(task: str, model: Model, confidence: float) -> pd.DataFrame:
    """model.csv: a row per term (log odds) and deviation of the random intercepts; Wald's intervals and tests."""
    reach = stats.norm.ppf((1 + confidence) / 2)
    rows = []
    for name, weights in model.terms.items():
        value, error = (np.nan, np.nan) if model.fit is None else model.fit.combined(weights)
        z = value / error if error > 0 else np.nan
        rows.append((name, value, error, value - reach * error, value + reach * error, z, 2 * stats.norm.sf(abs(z))))
    deviations = (np.nan, np.nan) if model.fit is None else model.fit.deviations
    rows += [
        (f"sd({name})", each, *[np.nan] * 5) for name, each in zip(("participant", "item"), deviations, strict=True)
    ]
    found = pd.DataFrame(rows, columns=COLUMNS[1:8])
    told = dict(zip(("participants", "items", "trials"), model.counts, strict=True))
    deviance = np.nan if model.fit is None else model.fit.deviance
    more = {"task": task, "formula": model.formula, "deviance": deviance, "note": "; ".join(model.notes)}
    return found.assign(**more, **told)[COLUMNS]


def _terms(cells: list[Cell]) -> tuple[dict[str, np.ndarray], str]:
    """Terms in treatment coding as weights of CELLS, the first being the reference, and the formula."""
    conditions, accesses = (list(dict.fromkeys(names)) for names in (zip(*cells, strict=True) if cells else ((), ())))
    if len(cells) < len(conditions) * len(accesses):
        return {f"cell[{', '.join(cell)}]": _unit(cells, cell) for cell in cells}, f"correct ~ 0 + cell + {RANDOM}"
    at = {cell: _unit(cells, cell) for cell in cells}
    first, usual = (conditions[:1] or [""])[0], (accesses[:1] or [""])[0]
    terms = {"intercept": at[first, usual]} if cells else {}
    for name in conditions[1:]:
        terms[f"condition[{name}]"] = at[name, usual] - at[first, usual]
    for access in accesses[1:]:
        terms[f"access[{access}]"] = at[first, access] - at[first, usual]
        for name in conditions[1:]:
            both = at[name, access] - at[name, usual] - at[first, access] + at[first, usual]
            terms[f"condition[{name}]:access[{access}]"] = both
    factors = [name for name, levels in (("condition", conditions), ("access", accesses)) if len(levels) > 1]
    return terms, f"correct ~ {' * '.join(factors) or '1'} + {RANDOM}"


def _unit(cells: list[Cell], cell: Cell) -> np.ndarray:
    return np.array([each == cell for each in cells], float)
