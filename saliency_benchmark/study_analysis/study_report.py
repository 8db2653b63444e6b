"""The page on a study: who was left out and why, accuracy, contrasts, the model, confidence, time, what was written."""

from collections.abc import Iterator
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import yaml

from saliency_benchmark.report import to_html
from saliency_benchmark.study_analysis import figures_study, rules
from saliency_benchmark.study_analysis.analysis import Result

TEMPLATE = Path(__file__).with_name("study_report.html.j2")
ACCESS = {"training": "maps in training only", "training_evaluation": "maps in training and evaluation"}


def render(result: Result, exclusions: dict, settings: dict) -> str:
    """The page, which fetches nothing."""
    options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True, "autoescape": True}
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATE.parent), **options)
    environment.filters["table"] = lambda table, digits=3: jinja2.utils.markupsafe.Markup(to_html(table, digits))
    tables = result.tables
    compared = tables.get("contrasts", pd.DataFrame())
    evaluation = tables.get("accuracy", pd.DataFrame(columns=["phase"])).query("phase == 'evaluation'")
    return environment.get_template(TEMPLATE.name).render(
        result=result,
        settings=yaml.safe_dump({"exclusions": exclusions, "analysis": settings}, sort_keys=False),
        margin=settings["margin"],
        coverage=f"{100 * settings['confidence']:g} %",
        inner=f"{100 * (1 - 2 * settings['alpha']):g} %",
        baseline=settings["baseline"],
        exclusions=wide(tables["exclusions"]),
        problems=problems(tables["problems"]),
        accuracy=shown(tables.get("accuracy"), "accuracy"),
        accuracy_figure=_drawn(figures_study.accuracy, evaluation),
        contrasts_figure=_drawn(figures_study.contrasts, compared),
        sentences=list(sentences(compared, settings)),
        differences=differences(compared),
        odds=odds(compared),
        models=list(models(tables.get("model"))),
        **{name: shown(tables.get(name), value) for name, value in SHOWN.items()},
    )


SHOWN = {
    "confidence_time": "value",
    "calibration": "accuracy",
    "questionnaire": "mean",
    "kappa": "value",
    "codes": None,
}


def wide(counts: pd.DataFrame) -> pd.DataFrame:
    """exclusions.csv with a column per condition: how many broke the rule, of how many; who is first counted by it."""
    cells = [
        f"{row.excluded} of {row.judged}"
        + (f" ({row.excluded_first} first)" if row.excluded != row.excluded_first else "")
        for row in counts.itertuples()
    ]
    names = list(dict.fromkeys(counts["condition"]))
    table = counts.assign(cell=cells).pivot(index="rule", columns="condition", values="cell")[names]
    table = table.loc[list(dict.fromkeys(counts["rule"]))].rename_axis(columns=None).reset_index()
    settings = counts.drop_duplicates("rule").set_index("rule")["setting"]
    what = {name: rule.what for name, rule in rules.RULES.items()} | {"any": "any of them"}
    table.insert(1, "what", [what[name] for name in table["rule"]])
    table.insert(2, "setting", ["" if pd.isna(settings[name]) else f"{settings[name]:g}" for name in table["rule"]])
    return table


def problems(found: pd.DataFrame) -> pd.DataFrame:
    """How often each problem was met, and the first place."""
    groups = found.groupby("problem", sort=True)
    first = groups.first()
    table = pd.DataFrame({"times": groups.size(), "file": [Path(name).name for name in first["file"]]}, first.index)
    return table.assign(line=first["line"].astype(object), detail=first["detail"]).reset_index()


def shown(table: pd.DataFrame | None, value: str | None) -> pd.DataFrame:
    """TABLE with VALUE and its interval in one cell."""
    if table is None or value is None:
        return pd.DataFrame() if table is None else table
    cells = [interval(*row) for row in table[[value, "low", "high"]].to_numpy(float)]
    found = table.assign(**{value: cells}).drop(columns=["low", "high"])
    return found.drop(columns="note") if "note" in found and (found["note"] == "").all() else found


def interval(value: float, low: float, high: float, form: str = ".3f") -> str:
    if not np.isfinite(value):
        return ""
    return f"{value:{form}}" + (f" [{low:{form}}, {high:{form}}]" if np.isfinite(low) else "")


def chance(p: float) -> str:
    """A p-value for reading."""
    if not np.isfinite(p):
        return ""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def sentences(compared: pd.DataFrame, settings: dict) -> Iterator[str]:
    """What each contrast says, in words."""
    margin = 100 * settings["margin"]
    words = {
        "differs": "differs from",
        "equivalent": f"is equivalent, within {margin:g} points, to",
        "differs, by less than the margin": f"differs, by less than {margin:g} points, from",
        "undecided": "can be told neither apart from nor equivalent to",
        "no test": "cannot be compared with",
    }
    for row in compared.itertuples():
        told = f"{row.task}, {ACCESS[row.access]}: {row.condition} {words[row.verdict]} {row.baseline}"
        if np.isfinite(row.difference):
            told += f": {interval(100 * row.difference, 100 * row.low, 100 * row.high, '+.1f')} points"
        if np.isfinite(row.smallest_detectable):
            told += f"; a difference of {100 * row.smallest_detectable:.1f} could be found"
        yield f"{told}."


def differences(compared: pd.DataFrame) -> pd.DataFrame:
    """Contrasts on the scale of probabilities, for reading."""
    if not len(compared):
        return pd.DataFrame()
    found = compared[["task", "access", "condition"]].copy()
    for name, columns in {
        "difference": ("difference", "low", "high"),
        "for equivalence": ("difference", "equivalence_low", "equivalence_high"),
        "bootstrap": ("difference", "bootstrap_low", "bootstrap_high"),
    }.items():
        rows = compared[list(columns)].to_numpy(float)
        found[name] = [interval(*row) if name == "difference" else interval(*row).partition(" ")[2] for row in rows]
    for name in ("p_difference_holm", "p_equivalence"):
        found[name] = [chance(p) for p in compared[name]]
    names = ["smallest_detectable", "verdict", "participants", "baseline_participants", "note"]
    return found.assign(**compared[names])


def odds(compared: pd.DataFrame) -> pd.DataFrame:
    """Contrasts of the mixed model, for reading."""
    if not len(compared):
        return pd.DataFrame()
    found = compared[["task", "access", "condition"]].copy()
    found["log odds"] = [
        interval(*row) for row in compared[["log_odds", "log_odds_low", "log_odds_high"]].to_numpy(float)
    ]
    found["odds_ratio"] = np.exp(compared["log_odds"])
    return found.assign(**{name: [chance(p) for p in compared[name]] for name in ("p", "p_holm")})


def models(table: pd.DataFrame | None) -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """Per task: its name, formula, notes, and the terms."""
    for task, part in () if table is None else table.groupby("task", sort=True):
        terms = part[["term", "error", "z"]].assign(p=[chance(p) for p in part["p"]])
        terms.insert(1, "log odds", [interval(*row) for row in part[["estimate", "low", "high"]].to_numpy(float)])
        yield task, part["formula"].iloc[0], part["note"].iloc[0], terms


def _drawn(figure: object, table: pd.DataFrame) -> object:
    return jinja2.utils.markupsafe.Markup(figure(table)) if len(table) else ""
