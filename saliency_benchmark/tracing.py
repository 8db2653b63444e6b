"""Rows of a table -> what they come from: files, rules, code, settings and versions, down to the images."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from saliency_benchmark import artifacts, freshness, lineage
from saliency_benchmark.report_keys import RUN

SHOWN_ROWS = 10
Row = dict[str, str]


@dataclass
class Node:
    """A file that the rows come from: its path, its record, what is wrong with it, its inputs by name."""

    path: str
    record: dict | None
    fault: str = ""
    inputs: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Lineage:
    """What ROWS of the table at ROOT come from: files by path, in the order in which a reader meets them."""

    root: str
    folder: Path
    rows: list[Row]
    nodes: dict[str, Node]


def conditions(words: list[str]) -> dict[str, str]:
    """`COLUMN=VALUE,COLUMN=VALUE` of all WORDS. Raises ValueError for anything else."""
    found: dict[str, str] = {}
    for word in filter(None, (part.strip() for words_ in words for part in words_.split(","))):
        column, equals, value = word.partition("=")
        if not equals or not column.strip():
            raise ValueError(f"--where has {word!r}; wanted: COLUMN=VALUE, several parted by commas")
        if found.setdefault(column.strip(), value.strip()) != value.strip():
            raise ValueError(f"--where has two values for {column.strip()!r}: no row has both")
    return found


def trace(table: str | Path, wanted: dict[str, str]) -> Lineage:
    """The lineage of the rows of TABLE that have the values WANTED, whatever their case.

    Raises ValueError where a column is unknown or no row has the values, with what there is.
    """
    table = Path(table)
    if not table.is_file():
        raise ValueError(f"there is no table {str(table)!r}")
    rows = _matching(table, wanted)
    results = lineage.Results(_home(table))
    root = table.resolve().relative_to(results.folder.resolve()).as_posix()
    if results[root] is None:
        raise ValueError(f"{table} says nothing of itself: {table.name}.origin.json beside it is missing or not whole")
    found = Lineage(root, results.folder, rows, {})
    _visit(results, root, _keys(rows), found)
    return found


def text(found: Lineage) -> str:
    """FOUND as a tree; a file that is met again is named alone."""
    lines = [f"{len(found.rows)} rows of {(found.folder / found.root).as_posix()}"]
    lines += ["  " + ", ".join(f"{key}={value}" for key, value in row.items()) for row in found.rows[:SHOWN_ROWS]]
    if len(found.rows) > SHOWN_ROWS:
        lines.append(f"  and {len(found.rows) - SHOWN_ROWS} more: {_apart(found.rows)} tell them apart")
    lines += ["come from", *_branch(found, found.root, "", "", set())]
    faults = [node for node in found.nodes.values() if node.fault]
    lines += [f"{len(found.nodes)} files" + (f", {len(faults)} of them {faults[0].fault}" if faults else ", all whole")]
    return "\n".join(lines) + "\n"


def _matching(table: Path, wanted: dict[str, str]) -> list[Row]:
    try:
        told = pd.read_csv(table, dtype=str, keep_default_na=False)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{table} is no table ({error}); wanted: CSV with a row of names") from error
    columns = {column.lower(): column for column in told.columns}
    for name, value in wanted.items():
        if name.lower() not in columns:
            raise ValueError(f"{table} has no column {name!r}; it has: {', '.join(told.columns)}")
        column = columns[name.lower()]
        kept = told[[_same(cell, value) for cell in told[column]]]
        if kept.empty:
            asked = list(wanted.items())
            asked = " and ".join("=".join(pair) for pair in asked[: asked.index((name, value)) + 1])
            there = ", ".join(dict.fromkeys(told[column].head(1000)))
            raise ValueError(f"no row of {table} has {asked}; {name} there is: {there[:300]}")
        told = kept
    return told.to_dict("records")


def _same(cell: str, value: str) -> bool:
    if cell.lower() == value.lower():
        return True
    try:
        return float(cell) == float(value)
    except ValueError:
        return False


def _home(table: Path) -> Path:
    """The folder of results that TABLE is in."""
    parents = list(table.resolve().parents)
    for folder in parents:
        if (folder / lineage.CHAIN).is_file() or (folder / lineage.REPORT).is_file():
            return folder
    return next((folder.parent for folder in parents if folder.name == "tables"), parents[0])


def _keys(rows: list[Row]) -> dict[str, set[str]]:
    return {column: {row[column] for row in rows} for column in (rows[0] if rows else ())}


def _visit(results: lineage.Results, path: str, keys: dict[str, set[str]], found: Lineage) -> None:
    """Put the file at PATH and its inputs in FOUND, as far as rows with KEYS come from them."""
    if path in found.nodes:
        return
    node = found.nodes[path] = Node(path, results[path], _fault(results, path))
    node.notes += _images(results, path, keys)
    inputs = [each for each in results.inputs(path) if each.path]
    fit = [each for each in inputs if _fits(results.origin(each.path).get("wildcards", {}), keys)]
    kept = {each.name for each in fit}
    # Where no input of a name fits, names were changed on the way: better too many than none.
    node.inputs = list(dict.fromkeys((each.name, each.path) for each in inputs if each in fit or each.name not in kept))
    for _, source in node.inputs:
        _visit(results, source, _further(keys, path, source), found)


def _further(keys: dict[str, set[str]], path: str, source: str) -> dict[str, set[str]]:
    """What still narrows beyond PATH: a score of an image is of its method alone, a statement on methods of all."""
    if "image" in keys:
        return keys
    return {key: keys[key] for key in RUN if key in keys} if source.startswith("tables/") else {}


def _fits(wildcards: dict, keys: dict[str, set[str]]) -> bool:
    shared = {key: str(value) for key, value in wildcards.items() if key in keys and key not in ("split", "fraction")}
    # A row over all seeds, or of no one method, has the column empty or says so.
    return all(value in keys[key] or keys[key] & {"", "all"} for key, value in shared.items())


def _fault(results: lineage.Results, path: str) -> str:
    if path not in results.records:
        return "missing"
    return "" if artifacts.intact(results.folder / path) else "altered"


def _images(results: lineage.Results, path: str, keys: dict[str, set[str]]) -> Iterator[str]:
    """Where the images of the rows are in a file of images, and which they are in the data that it was made of."""
    record = results[path]
    if record is None or record["kind"] != "images":
        return
    try:
        with artifacts.Reader(results.folder / path, artifacts.IMAGES) as reader:
            told = {name: reader[name][()] for name in ("index", "label", "source") if name in reader}
    except (ValueError, OSError, KeyError):
        return
    yield f"{len(told['index'])} images"
    wanted = keys.get("image", set()) if str(record["origin"]["wildcards"].get("split")) in _splits(keys) else set()
    for place, index in enumerate(told["index"]):
        if str(index) in wanted:
            source = f", {told['source'][place]} in the data it comes from" if "source" in told else ""
            yield f"image {index}: place {place} here{source}, label {told['label'][place]}"


def _splits(keys: dict[str, set[str]]) -> set[str]:
    return keys.get("split", {"test"})


def _apart(rows: list[Row]) -> str:
    names = [column for column in rows[0] if len({row[column] for row in rows}) > 1]
    return ", ".join(names[:6])


def _branch(found: Lineage, path: str, name: str, margin: str, met: set[str]) -> Iterator[str]:
    node = found.nodes[path]
    head = f"{name}: " if name else ""
    if path in met:
        yield f"{margin}{head}{path} (above)"
        return
    met.add(path)
    yield f"{margin}{head}{path}" + (f"  [{node.fault.upper()}]" if node.fault else "")
    yield from (f"{margin}    | {line}" for line in (*_about(node), *node.notes))
    for source_name, source in node.inputs:
        yield from _branch(found, source, source_name, margin + "  ", met)


def _about(node: Node) -> Iterator[str]:
    """Rule, content, code, versions and settings."""
    if node.record is None:
        return
    origin = node.record["origin"]
    told = dict(origin.get("settings", {}))
    code, *versions = str(told.pop("code", "unknown")).split()
    names = ", ".join(f"{key} {value}" for key, value in origin.get("wildcards", {}).items())
    yield f"rule {origin.get('rule', 'unknown')}" + (f" ({names})" if names else "")
    yield f"content {node.record['content'][:16]}, code {code}, {' '.join(versions) or 'no packages'}"
    if told:
        yield "settings " + ", ".join(f"{key}={freshness.short(value, 200)}" for key, value in told.items())
