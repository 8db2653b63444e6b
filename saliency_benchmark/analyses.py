"""What the commands make of a table of scores: the workflow's own tables, from anyone's scores."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path

import pandas as pd
import yaml

from saliency_benchmark import (
    across_metrics,
    benchmark_size,
    comparing,
    evaluation,
    leaders,
    provenance,
    registry,
    score_tables,
)
from saliency_benchmark.score_tables import Cell

WORDS = {"higher": True, "lower": False}


class Request:
    """Scores with what must be known of them: which way each metric is better, and groups of methods.

    DIRECTION: words "METRIC=higher", "METRIC=lower", or one of them for all metrics. GROUPS: "NAME=METHOD,METHOD" or
    YAML files of lists by name; without any, `all` methods that a metric has.
    """

    def __init__(self, path: str | Path, direction: list[str], groups: list[str], ignore: list[str]) -> None:
        self.table = score_tables.read(path, ignore)
        self.metrics = list(self.table["metric"].cat.categories)
        self.methods = list(self.table["method"].cat.categories)
        if len(self.methods) < 2:
            raise ValueError(f"{path} has one method, {self.methods[0]}; two or more can be compared")
        self.higher = directions(self.metrics, direction)
        self.groups = named_groups(self.methods, groups)

    def cells(self) -> Iterator[Cell]:
        return score_tables.cells(self.table)

    def groups_of(self, methods: list[str]) -> dict[str, list[str]]:
        """The groups, without members that are not among METHODS; those with none of them are left out."""
        if not self.groups:
            return {"all": methods}
        found = {name: [method for method in members if method in methods] for name, members in self.groups.items()}
        return {name: members for name, members in found.items() if members}


def agreement(request: Request, settings: dict) -> pd.DataFrame:
    """agreement.csv; `missing` counts scores without a row, `invalid` those with a row that are no finite number."""
    table = _of_cells(evaluation.agreement_table, request, settings)
    missing = [
        cell.missing(members) for cell in request.cells() for members in request.groups_of(cell.methods).values()
    ]
    table["invalid"] -= missing
    table.insert(table.columns.get_loc("note"), "missing", missing)
    return table


def sizes(request: Request, settings: dict) -> pd.DataFrame:
    """benchmark_size.csv."""
    return _of_cells(benchmark_size.size_table, request, settings)


def curve(request: Request, settings: dict) -> pd.DataFrame:
    """Probability of the same winner by number of images."""
    return _of_cells(benchmark_size.curve_table, request, settings)


def ranks(request: Request, settings: dict) -> pd.DataFrame:
    """Mean ranks with intervals, and which methods are tied for first."""
    return _of_cells(leaders.rank_table, request, settings)


def differences(request: Request, settings: dict, *, baseline: str, between: str = "recipe") -> pd.DataFrame:
    """agreement_difference.csv; BETWEEN names the column whose values are compared with BASELINE.

    A column `seed` tells networks apart that were trained alike. Groups are of methods that all of the compared have.
    """
    columns = [name for name in score_tables.keys(request.table) if name != "seed"]
    if between not in columns:
        raise ValueError(f"no column {between!r} to compare by; there are: {', '.join(columns) or 'none'}")
    tables = []
    for keys, cells in _together(request, between, "seed"):
        runs = {(cell.keys[between], cell.keys.get("seed", "0")): cell.scores for cell in cells}
        groups, higher = request.groups_of(_common(cells)), request.higher[keys["metric"]]
        tables.append(comparing.difference_table(runs, baseline, groups, higher, settings, keys, between))
    return pd.concat(tables, ignore_index=True)


def across(request: Request, settings: dict) -> pd.DataFrame:
    """How far metrics agree with each other, on the methods that all of them have."""
    tables = []
    for keys, cells in _together(request, "metric"):
        runs = {cell.keys["metric"]: (cell.scores, request.higher[cell.keys["metric"]]) for cell in cells}
        tables.append(across_metrics.across_table(runs, request.groups_of(_common(cells)), settings, keys))
    return pd.concat(tables, ignore_index=True)


def _together(request: Request, *names: str) -> Iterator[tuple[dict[str, str], list[Cell]]]:
    """Cells that differ in the columns NAMES alone, with the keys that they share."""
    found: dict[tuple, list[Cell]] = {}
    for cell in request.cells():
        found.setdefault(tuple((name, value) for name, value in cell.keys.items() if name not in names), []).append(
            cell
        )
    for keys, cells in found.items():
        yield dict(keys), cells


def _common(cells: list[Cell]) -> list[str]:
    """Methods that all CELLS have."""
    return [method for method in cells[0].methods if all(method in cell.methods for cell in cells[1:])]


def directions(metrics: list[str], words: list[str]) -> dict[str, bool]:
    """Is higher better? By metric: what WORDS say, else what the workflow's metric of that name says.

    Raises ValueError for a metric of which neither says it, and for words on metrics that are not there.
    """
    said: dict[str, bool] = {}
    for word in words:
        metric, _, direction = word.rpartition("=")
        if direction not in WORDS:
            raise ValueError(f"direction {word!r}; wanted: higher, lower, METRIC=higher or METRIC=lower")
        if metric and metric not in metrics:
            raise ValueError(f"direction of {metric!r}, which is not there{_near(metric, metrics)}")
        said |= dict.fromkeys([metric] if metric else metrics, WORDS[direction]) | (said if not metric else {})
    known = set(registry.names("metrics")) - set(said)
    for metric in [metric for metric in metrics if metric in known]:
        said[metric] = provenance.constant(registry.file("metrics", metric, {}), "HIGHER_IS_BETTER")
    unsaid = [metric for metric in metrics if said.get(metric) is None]
    if unsaid:
        wanted = " ".join(f"--direction {metric}=higher" for metric in unsaid)
        raise ValueError(f"is higher better or lower? Not known of: {', '.join(unsaid)}; say {wanted} (or =lower)")
    return {metric: said[metric] for metric in metrics}


def named_groups(methods: list[str], words: list[str]) -> dict[str, list[str]]:
    """Groups from "NAME=METHOD,METHOD" or YAML files. Raises ValueError for a method that is not among METHODS."""
    found: dict[str, list[str]] = {}
    for word in words:
        name, given, members = word.partition("=")
        if given:
            found[name] = [member.strip() for member in members.split(",") if member.strip()]
            continue
        content = yaml.safe_load(Path(word).read_text())
        content = content.get("groups", content) if isinstance(content, dict) else content  # settings have them too
        if not isinstance(content, dict) or not all(isinstance(value, list) for value in content.values()):
            raise ValueError(f"{word} has no groups; wanted: lines as `NAME: [METHOD, METHOD]`")
        found |= {str(name): [str(member) for member in members] for name, members in content.items()}
    for name, members in found.items():
        strange = [member for member in members if member not in methods]
        if strange or not members:
            hint = _near(strange[0], methods) if strange else f"; there are: {', '.join(methods)}"
            raise ValueError(f"group {name!r} has {', '.join(strange) or 'no methods'}, not in the table{hint}")
        if len(set(members)) < len(members):
            raise ValueError(f"group {name!r} has a method twice: {', '.join(members)}")
    return found


def _of_cells(build: Callable[..., pd.DataFrame], request: Request, settings: dict) -> pd.DataFrame:
    tables = []
    for cell in request.cells():
        groups, higher = request.groups_of(cell.methods), request.higher[cell.keys["metric"]]
        if groups:
            tables.append(build(cell.scores, groups, higher, settings, cell.keys))
    return pd.concat(tables, ignore_index=True)


def _near(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, 1)
    return f" (did you mean {near[0]!r}?)" if near else f"; there are: {', '.join(names)}"
