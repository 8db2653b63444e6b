"""Settings of an analysis: what they are, their defaults, and a file of them, of which preregistrations are made.

The file may be the one that the pages are made by: what it says of the design is taken from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from saliency_benchmark.study import settings as pages
from saliency_benchmark.study_analysis import rules

SECTIONS = (
    *("title", "authors", "question", "hypotheses", "design", "participants", "power", "exclusions", "analysis"),
    *("stopping", "data", "other"),
)
MAPPINGS = ("design", "power", "exclusions", "analysis")


@dataclass(frozen=True)
class Setting:
    """A number between its bounds, both allowed where `closed`; or a text."""

    default: float | str
    what: str
    low: float = 0.0
    high: float = 1.0
    closed: bool = False


ANALYSIS = {
    "baseline": Setting("none", "the condition that the others are compared with"),
    "margin": Setting(0.1, "of the equivalence test, as a probability"),
    "alpha": Setting(0.05, "level of all tests", 0, 0.5),
    "power": Setting(0.8, "of the smallest detectable effect"),
    "confidence": Setting(0.95, "coverage of the intervals"),
    "resamples": Setting(2000, "bootstrap samples", 100, 100_000, True),
    "seed": Setting(0, "of all that is drawn", 0, 2**31, True),
}


def read(path: str | Path) -> dict:
    """The settings in PATH, a mapping of SECTIONS. Raises ValueError where it is none, or a section is unknown."""
    try:
        found = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise ValueError(f"{path} holds a {type(found).__name__}; wanted: settings by name")
    if found and set(found) <= set(rules.RULES):
        return {"exclusions": dict(found)}  # a file of rules alone
    if isinstance(found.get("design"), str) or set(found) & (set(pages.SCHEMA["properties"]) - set(SECTIONS)):
        return _of_pages(path, dict(found))
    return _checked(path, dict(found))


def _of_pages(path: str | Path, found: dict) -> dict:
    told = found.get("preregistration") or {}
    own = pages.complete(found)
    each = "per condition and participant"
    design = {
        "conditions": own["conditions"] or "all explanations of the items",
        "access": own["access"],
        "assignment": f"{own['design']} participants, by Latin squares, seed {own['seed']}",
        "items": f"{own['evaluation']} {each}, half of them of each answer, without feedback",
        "training_items": f"{own['training']} {each}, with feedback",
        "catch_trials": f"{own['catch_trials']} per condition",
    }
    more = told.get("design") or {}
    if not isinstance(more, Mapping):
        raise ValueError(f"{path}: preregistration.design is {more!r}; wanted: settings by name")
    general = {name: own[name] for name in ("title", "participants")}
    parts = {name: found[name] for name in ("exclusions", "analysis") if found.get(name)}
    return _checked(path, general | parts | dict(told) | {"design": design | dict(more)})


def _checked(path: str | Path, found: dict) -> dict:
    unknown = [str(name) for name in found if name not in SECTIONS]
    if unknown:
        raise ValueError(
            f"{path}: unknown {', '.join(unknown)}; known: {', '.join(SECTIONS)}, or rules of exclusion alone"
        )
    wrong = [name for name in MAPPINGS if not isinstance(found.get(name), Mapping | None)]
    if wrong:
        raise ValueError(f"{path}: {wrong[0]} is {found[wrong[0]]!r}; wanted: settings by name")
    return found


def analysis(given: dict | None) -> dict:
    """GIVEN settings of the analysis with the defaults filled in. Raises ValueError for what cannot be used."""
    if not isinstance(given, Mapping | None):
        raise ValueError(f"analysis is {given!r}; wanted: settings by name")
    given = {name: value for name, value in (given or {}).items() if value is not None}
    unknown = [str(name) for name in given if name not in ANALYSIS]
    if unknown:
        raise ValueError(f"analysis: unknown {', '.join(unknown)}; known: {', '.join(ANALYSIS)}")
    for name, value in given.items():
        _check(name, value, ANALYSIS[name])
    return {name: setting.default for name, setting in ANALYSIS.items()} | given


def _check(name: str, value: object, setting: Setting) -> None:
    if isinstance(setting.default, str):
        if not isinstance(value, str):
            raise ValueError(f"analysis.{name} is {value!r}; wanted: a text")
        return
    kinds = int if isinstance(setting.default, int) else int | float
    sound = isinstance(value, kinds) and not isinstance(value, bool)
    if sound:
        inside = setting.low < value < setting.high
        sound = inside or (setting.closed and value in (setting.low, setting.high))
    if not sound:
        kind = "a whole number" if kinds is int else "a number"
        raise ValueError(f"analysis.{name} is {value!r}; wanted: {kind} between {setting.low:g} and {setting.high:g}")
