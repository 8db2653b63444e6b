"""A folder of results as a graph: which files there are, what each says of itself, and what each was made from."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from saliency_benchmark import archives, artifacts, files, provenance
from saliency_benchmark.freshness import Expected

CHAIN = "chain.json"
REPORT = "report.html"
# What findings on the settings of the run are told of.
SETTINGS = "the settings on record"
SUFFIXES = {".h5", ".csv", ".html"}
# Where a run works, every path of the workflow begins with this.
HOME = "results/"


@dataclass(frozen=True)
class Input:
    """One input of a file: its name in the rule, the content that was read, and its path below the folder of results.

    The path is None where no file is known that it was.
    """

    name: str
    content: str | None
    path: str | None


class Results:
    """The folder of results in FOLDER, wherever it was copied to. Paths are below it, with slashes.

    WITHHELD: what files said of themselves that were left out of a copy. Raises ValueError where there is no folder.
    """

    def __init__(self, folder: str | Path, withheld: dict[str, dict] | None = None) -> None:
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise ValueError(f"{folder} is no folder; wanted: the folder of results of a run")
        found = set(self._found())
        self.withheld = {path: record for path, record in (withheld or {}).items() if path not in found}
        self.files = sorted(found | self.withheld.keys())
        self.records = {path: artifacts.record(self.folder / path) for path in sorted(found)} | self.withheld

    def __getitem__(self, path: str) -> dict | None:
        """What the file at PATH says of itself; None where it says nothing, or is not there."""
        return self.records.get(path)

    def origin(self, path: str) -> dict:
        record = self[path]
        return record["origin"] if record else {}

    def place(self, path: str) -> str:
        return (self.folder / path).as_posix()

    @cached_property
    def chain(self) -> dict:
        """What the run noted: `files` (what should have made each, from which paths) and `codes`; {} without a note."""
        try:
            told = json.loads((self.folder / CHAIN).read_text())
            made = {self._below(path): each for path, each in told["files"].items()}
            inputs = {
                path: {name: [self._below(source) for source in sources] for name, sources in each["inputs"].items()}
                for path, each in made.items()
            }
            return told | {"files": {path: each | {"inputs": inputs[path]} for path, each in made.items()}}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{self.place(CHAIN)} cannot be read ({error}): delete it and run again") from error

    def _below(self, path: str) -> str:
        """PATH of the run as it is below this folder. Raises ValueError where it is not below it."""
        archives.inside(self.folder, name := path.removeprefix(HOME))
        return name

    @cached_property
    def roots(self) -> list[str]:
        """What a reader looks at: the report and its tables, or, where the run noted no report, those that are here."""
        report = self.chain.get("files", {}).get(REPORT)
        shown = [path for paths in report["inputs"].values() for path in paths] if report else self.files
        return sorted({REPORT, *filter(is_table, shown)})

    def inputs(self, path: str) -> list[Input]:
        """What the file at PATH was made from: by the paths of the run's note, else by what files hold."""
        made = self.origin(path).get("inputs", {})
        noted = self.chain.get("files", {}).get(path, {}).get("inputs", {})
        found = []
        for name in sorted(made.keys() | noted.keys()):
            contents, paths = made.get(name, []), noted.get(name)
            if paths is None or (contents and len(paths) != len(contents)):
                paths = [self._holding(content, path) for content in contents]
            contents = contents or [None] * len(paths)
            found += [Input(name, *pair) for pair in zip(contents, paths, strict=True)]
        return found

    def ancestors(self, roots: Iterable[str]) -> set[str]:
        """ROOTS and all that they were made from, directly or not."""
        found, queue = set(), list(roots)
        while queue:
            path = queue.pop()
            if path not in found:
                found.add(path)
                queue += [each.path for each in self.inputs(path) if each.path]
        return found

    @cached_property
    def used_by(self) -> dict[str, set[str]]:
        """Path -> the files that were made from it directly."""
        found: dict[str, set[str]] = {}
        for path in self.files:
            for each in self.inputs(path):
                found.setdefault(each.path, set()).add(path)
        return found

    def descendants(self, path: str) -> set[str]:
        found, queue = set(), [path]
        while queue:
            more = self.used_by.get(queue.pop(), set()) - found
            found |= more
            queue += more
        return found

    @cached_property
    def _by_content(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for path, record in self.records.items():
            if record:
                found.setdefault(record["content"], []).append(path)
        return found

    def _holding(self, content: str, child: str) -> str | None:
        """The file that holds CONTENT; of several, the one whose name agrees best with that of CHILD."""
        wanted = set(self.origin(child).get("wildcards", {}).items())

        def alike(path: str) -> int:
            return len(wanted & set(self.origin(path).get("wildcards", {}).items()))

        return max(self._by_content.get(content, ()), key=alike, default=None)

    def _found(self) -> Iterator[str]:
        for path in self.folder.rglob("*"):
            parts = path.relative_to(self.folder)
            hidden = any(part.startswith(".") for part in parts.parts)
            if path.suffix in SUFFIXES and not hidden and parts.parts[0] != "logs" and path.is_file():
                yield parts.as_posix()


def note(path: str | Path, expected: dict[str, Expected], codes: dict[str, list]) -> None:
    """Write to PATH what should have made each file and from which, and which files stand behind each of CODES.

    A file that nothing is made from is noted with its content: no other file could tell that it was altered.
    """
    used = {source for wanted in expected.values() for paths in wanted.inputs.values() for source in paths}
    told: dict[str, dict] = {}
    for name, wanted in sorted(expected.items()):
        code = wanted.settings.get("code")
        told[name] = {"rule": wanted.rule, "wildcards": wanted.wildcards, "inputs": wanted.inputs, "code": code}
        if name not in used:
            told[name]["content"] = (artifacts.record(name) or {}).get("content")
    wanted_codes = {each["code"] for each in told.values()}
    behind = {code: _behind(*parts) for code, parts in sorted(codes.items()) if code in wanted_codes}
    new = files.Atomic(path)
    new.part.write_text(json.dumps({"files": told, "codes": behind}, indent=1, sort_keys=True, default=str))
    new.commit()


def _behind(script: str, *entries: Path) -> dict:
    return {"files": provenance.meanings(provenance.ROOT / "workflow_scripts" / script, *entries)}


def is_table(path: str) -> bool:
    return path.startswith("tables/") and path.endswith(".csv")
