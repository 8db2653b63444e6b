"""Logs as they lie on the disk -> events of one study, and a list of all that is wrong, by file and line."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from saliency_benchmark.study_analysis import contract

ENDINGS = (".jsonl", ".ndjson", ".json")
PROBLEMS = ["problem", "participant", "file", "line", "detail"]


@dataclass
class Logs:
    """What was read: EVENTS in the order of participants and sequence, and PROBLEMS, a row each."""

    events: list[dict]
    problems: pd.DataFrame
    study: str
    files: list[Path]


@dataclass
class _Found:
    events: list[dict] = field(default_factory=list)
    problems: list[tuple] = field(default_factory=list)

    def tell(self, problem: str, event: dict | None, file: Path, line: int | None, detail: str) -> None:
        name = "" if event is None else event["participant"]
        self.problems.append((problem, name, str(file), line, detail))


def read(paths: Iterable[str | Path], study: str | None = None) -> Logs:
    """The events of STUDY in PATHS, files or folders of them; of the study with most participants if none is given.

    Lines that are no events, repeated lines, lines of another study and a place in a participant's log that has two
    contents are told in `problems` and left out, but the first of two contents. Raises ValueError where there is no
    file, no event of the study, or no one study with most participants.
    """
    files = listed(paths)
    found = _Found()
    for file in files:
        _read_file(file, found)
    if not found.events:
        _, _, file, line, detail = found.problems[0]
        raise ValueError(f"there is no event in {len(files)} files; {file}, line {line or 1}: {detail}")
    study = study or _main_study(found.events)
    own = [event for event in found.events if event["study"] == study]
    if not own:
        known = ", ".join(sorted({event["study"] for event in found.events}))
        raise ValueError(f"there is no event of the study {study!r}; the logs are of: {known}")
    for event in found.events:
        if event["study"] != study:
            found.tell("other_study", event, event["file"], event["line"], f"study {event['study']}, not {study}")
    events = _apart(own, found)
    problems = pd.DataFrame(found.problems, columns=PROBLEMS).astype({"line": "Int64"})
    return Logs(events, problems, study, files)


def listed(paths: Iterable[str | Path]) -> list[Path]:
    """The files in PATHS, each once; a folder stands for all logs below it."""
    found = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = [each for each in sorted(path.rglob("*")) if each.suffix in ENDINGS and each.is_file()]
            inside = [each for each in inside if not each.name.endswith(".origin.json")]  # what an analysis left there
            if not inside:
                raise ValueError(f"the folder {path} holds no log; wanted: files that end in {', '.join(ENDINGS)}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise ValueError(f"there is no file or folder {path}")
    return list({path.resolve(): path for path in found}.values())


def _read_file(file: Path, found: _Found) -> None:
    lines = file.read_bytes().split(b"\n")
    if not any(line.strip() for line in lines):
        found.tell("empty_file", None, file, None, "holds no line")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = contract.event(line)
        except ValueError as error:
            # A whole line ends in a line feed: what follows the last one was cut.
            cut = number == len(lines) and str(error).startswith("is no ")
            kind = "cut_line" if cut else "malformed_line"
            found.tell(kind, None, file, number, str(error))
            continue
        found.events.append(event | {"file": file, "line": number})


def _main_study(events: list[dict]) -> str:
    people = sorted({(event["study"], event["participant"]) for event in events})
    counts = pd.Series([study for study, _ in people]).value_counts()
    if len(counts) > 1 and counts.iloc[0] == counts.iloc[1]:
        told = ", ".join(f"{name} ({count})" for name, count in sorted(counts.items()))
        raise ValueError(f"the logs are of several studies, by participants: {told}; name one with --study")
    return str(counts.index[0])


def _apart(events: list[dict], found: _Found) -> list[dict]:
    """EVENTS, one per participant and sequence, in their order."""
    kept: dict[tuple, dict] = {}
    for event in events:
        key = (event["participant"], event["sequence"])
        first = kept.setdefault(key, event)
        if first is event:
            continue
        place = f"sequence {event['sequence']} as in {first['file']} line {first['line']}"
        if _content(first) == _content(event):
            found.tell("repeated_line", event, event["file"], event["line"], place)
        else:
            kind = "other_content" if first["file"] == event["file"] else "two_logs"
            found.tell(kind, event, event["file"], event["line"], f"{place}, with other content")
    return [kept[key] for key in sorted(kept)]


def _content(event: dict) -> dict:
    return {key: value for key, value in event.items() if key not in ("file", "line")}
