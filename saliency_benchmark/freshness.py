"""Which artifacts on disk are out of date: decided by what they hold and by what made them, never by time stamps."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from saliency_benchmark import artifacts, files

# Larger files are believed here, so that a start takes seconds; their contents are checked when an audit asks for it.
LARGEST_CHECKED = 2**30


@dataclass(frozen=True)
class Expected:
    """What should have made a file: its rule, what its name says, the rule's params, and the paths of its inputs."""

    rule: str
    wildcards: dict
    settings: dict
    inputs: dict[str, list[str]]
    benchmark: str | None = None


class Index:
    """What files say of themselves, remembered with their size and time so that an unchanged file is read only once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._known = json.loads(path.read_text())
        except (OSError, json.JSONDecodeError):
            self._known = {}
        self._seen: dict[str, list] = {}

    def __getitem__(self, path: str) -> dict | None:
        """The record of the file PATH; None where there is none, or where its contents are not what it says."""
        if path not in self._seen:
            state = _state(path)
            known = self._known.get(path, [None, None])
            self._seen[path] = known if state and known[0] == state else [state, _checked(path)]
        return self._seen[path][1]

    def forget(self, path: str) -> None:
        self._seen.pop(path, None)

    def save(self) -> None:
        """Remember; where nothing can be written, everything is read again next time."""
        try:
            new = files.Atomic(self._path)
            new.part.write_text(json.dumps(self._seen))
            new.commit()
        except OSError:
            pass


def out_of_date(expected: dict[str, Expected], index: Index) -> dict[str, str]:
    """Path -> reason, for each file of EXPECTED that is not what its rule would make now, or whose inputs are gone.

    Snakemake makes a missing file only for what it runs anyway; a result without its inputs cannot be traced.
    """
    reasons = {path: _reason(index[path], wanted, index) for path, wanted in expected.items()}
    sources = (path for wanted in expected.values() for paths in wanted.inputs.values() for path in paths)
    reasons |= {path: "it is missing" for path in sources if not Path(path).exists()}
    return {path: reason for path, reason in reasons.items() if reason}


def settle(expected: dict[str, Expected], index: Index) -> None:
    """Give files a time no older than their inputs': their contents say that they are up to date, so a touch must not.

    Where times cannot be changed they stay, and Snakemake may do more than is needed.
    """
    times: dict[str, float] = {}

    def time_of(path: str) -> int:
        if path not in times:
            times[path] = own = Path(path).stat().st_mtime_ns
            inputs = [source for sources in expected[path].inputs.values() for source in sources]
            newest = max((time_of(source) for source in inputs if source in expected), default=own)
            if newest > own:
                times[path] = newest
                _set_time(path, newest)
                index.forget(path)
            # Snakemake counts a job's benchmark file among what it made.
            benchmark = expected[path].benchmark
            if benchmark and Path(benchmark).exists() and Path(benchmark).stat().st_mtime_ns < times[path]:
                _set_time(benchmark, times[path])
        return times[path]

    for path in expected:
        time_of(path)


def _set_time(path: str, time: int) -> None:
    try:
        os.utime(path, ns=(time, time))
    except OSError:
        pass


def _state(path: str) -> list[int] | None:
    """Size, time and number of a file and of the note beside it; None where the file is not there."""
    try:
        found = [Path(path).stat()]
    except OSError:
        return None
    note = files.note_path(path)
    found += [note.stat()] if note.exists() else []
    return [number for stat in found for number in (stat.st_size, stat.st_mtime_ns, stat.st_ino)]


def _checked(path: str) -> dict | None:
    try:
        noted = artifacts.record(path)
        whole = noted and (size(path) > LARGEST_CHECKED or artifacts.intact(path))
    except OSError:
        return None
    return noted if whole else None


def size(path: str) -> int:
    """Bytes of the file PATH, and of what it only looks up in other files."""
    found = Path(path).stat().st_size
    if not path.endswith(".h5"):
        return found
    with artifacts.opened(path) as file:
        return found + sum(file[name].nbytes for name in file if file[name].is_virtual)


def _reason(record: dict | None, wanted: Expected, index: Index) -> str:
    if record is None:
        return "its contents are not what was made"
    origin = record["origin"]
    told = files.plain({"rule": wanted.rule, "wildcards": wanted.wildcards, "settings": wanted.settings})
    changes = list(_changes({key: origin.get(key) for key in told}, told))
    if not changes:
        changes = [f"input {name}" for name in _changed_inputs(origin.get("inputs", {}), wanted.inputs, index)]
    return "; ".join(changes)


def _changed_inputs(made: dict[str, list], paths: dict[str, list[str]], index: Index) -> Iterator[str]:
    """Names of inputs that hold something else now. A missing one is made first, and then its dependents."""
    for name in sorted(made.keys() | paths.keys()):
        records = [index[path] for path in paths.get(name, [])]
        if all(records) and [record["content"] for record in records] != made.get(name):
            yield name


def _changes(made: object, wanted: object, place: str = "") -> Iterator[str]:
    if made == wanted:
        return
    if isinstance(made, dict) and isinstance(wanted, dict):
        for key in sorted(made.keys() | wanted.keys()):
            yield from _changes(made.get(key), wanted.get(key), f"{place}.{key}".removeprefix(".settings").lstrip("."))
    else:
        yield f"{place} was {short(made)}, is {short(wanted)}"


def short(value: object, most: int = 60) -> str:
    """VALUE as JSON, cut where it is longer than MOST letters."""
    text = json.dumps(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."
