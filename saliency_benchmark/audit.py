"""Is every number of a run still what was made, from what, by which code and settings? What is wrong, by name."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from saliency_benchmark import artifacts, files, provenance, settings_now
from saliency_benchmark.lineage import CHAIN, REPORT, SETTINGS, Results, is_table

AGAIN = "run Snakemake again with the settings of this run: it is made anew, with what follows from it"
# The kinds of findings, the gravest first.
MISSING, ALTERED, STALE, OTHER_CODE, UNKNOWN = "missing", "altered", "stale", "other code", "unknown"
KINDS = (MISSING, ALTERED, STALE, OTHER_CODE, UNKNOWN)


@dataclass(frozen=True)
class Finding:
    """Something wrong: its kind, the path of the file that it is wrong with, what is wrong, and what to do."""

    kind: str
    path: str
    what: str
    remedy: str = AGAIN


def findings(results: Results, config: dict | None = None, code: Path | None = None) -> list[Finding]:
    """All that is wrong in RESULTS, the gravest kind first.

    CONFIG: the complete settings that the results should be of; None: settings are not compared. CODE: the folder of
    the code that should have made them, whatever packages are here; None: this repository, with those that are here.
    """
    part = results.ancestors(results.roots)
    found = [*_roots(results), *_contents(results, part), *_places(results, part), *_inputs(results, part)]
    found += [*_codes(results, part, code), *(_settings(results, part, config) if config else ())]
    unique = dict.fromkeys(found)
    return sorted(unique, key=lambda each: (KINDS.index(each.kind), each.path))


def leftovers(results: Results) -> list[str]:
    """Files that no table and no figure comes from: of other settings, or not of the workflow."""
    return sorted(set(results.files) - results.ancestors(results.roots))


def _roots(results: Results) -> Iterator[Finding]:
    for path in results.roots:
        if path not in results.records:
            yield Finding(
                MISSING, path, "there is no report: the run did not end" if path == REPORT else "it is not there"
            )


def _contents(results: Results, part: set[str]) -> Iterator[Finding]:
    """Files that are not what they say, and notes without a file."""
    noted = results.chain.get("files", {})
    for path in results.files:
        where = results.folder / path
        if path in results.withheld:
            continue
        if results[path] is None:
            if path in part or path in noted or not noted:
                told = (ALTERED, path, "it is not whole") if where.suffix == ".h5" else (MISSING, path, _unsaid(where))
                yield Finding(*told)
        elif not artifacts.intact(where):
            yield Finding(ALTERED, path, "its contents are not those that were noted when it was made")
        elif noted.get(path, {}).get("content") not in (None, results[path]["content"]):
            yield Finding(ALTERED, path, f"neither it nor its {files.note_path('').name} is what the run left")
    for note in sorted(results.folder.rglob(f"[!.]*{files.note_path('')}")):
        path = note.relative_to(results.folder).as_posix().removesuffix(str(files.note_path("")))
        if path not in results.records:
            yield Finding(MISSING, path, "what made it is noted beside it, and the file itself is not there")


def _unsaid(path: Path) -> str:
    note = files.note_path(path)
    state = "cannot be read" if note.exists() else "is not there"
    return f"{note.name} beside it {state}: nothing says what it was made from"


def _places(results: Results, part: set[str]) -> Iterator[Finding]:
    """Files under the name of another."""
    noted = results.chain.get("files", {})
    for path in sorted(part & set(results.files)):
        origin, wanted = results.origin(path), noted.get(path)
        names = origin.get("wildcards", {})
        strange = {key: value for key, value in names.items() if not _in_name(str(value), path)}
        if wanted:
            pairs = [("rule", origin.get("rule"), wanted["rule"])] if origin else []
            pairs += [(key, names.get(key), value) for key, value in wanted["wildcards"].items() if origin]
            strange = {key: was for key, was, now in pairs if str(was) != str(now)}
        if strange:
            told = ", ".join(f"{key} {value}" for key, value in strange.items())
            yield Finding(ALTERED, path, f"another file is under this name: it holds what was made for {told}")

    for each in results.inputs(REPORT):  # it names every table by what is in it
        if each.path and is_table(each.path) and Path(each.path).stem != each.name:
            yield Finding(ALTERED, each.path, f"another file is under this name: it holds the table {each.name}")


def _in_name(value: str, path: str) -> bool:
    """Does VALUE stand in PATH as a whole word: a folder, the file, or what follows or precedes a hyphen in them?"""
    words = Path(path).with_suffix("").as_posix() + "/"
    return any(f"{before}{value}{after}" in f"/{words}" for before in "/-" for after in "/-")


def _inputs(results: Results, part: set[str]) -> Iterator[Finding]:
    """Inputs that are gone, and files made from inputs that hold something else now."""
    for path in sorted(part & set(results.files)):
        made, now = results.origin(path).get("inputs", {}), results.inputs(path)
        for each in now if results[path] else ():
            if each.path is None:
                what = f"{path} was made from a {each.name} of content {each.content[:12]}, which no file here holds"
                yield Finding(MISSING, f"input {each.name} of {path}", what)
            elif each.path not in results.records:
                yield Finding(MISSING, each.path, f"{path} was made from it ({each.name})")
            elif each.content is None or (results[each.path] and results[each.path]["content"] != each.content):
                yield Finding(
                    STALE, path, f"it was made from another {each.path} ({each.name}) than the one that is here"
                )
        noted = results.chain.get("files", {}).get(path, {}).get("inputs", {})
        for name in sorted(made) if noted and results[path] else ():
            if len(made[name]) != len(noted.get(name, [])):
                what = f"it was made from {len(made[name])} {name}, and the run asks for {len(noted.get(name, []))}"
                yield Finding(STALE, path, what)


def _codes(results: Results, part: set[str], code: Path | None) -> Iterator[Finding]:
    """Files made by other code than that in the folder CODE (None: here, with the packages that are here)."""
    behind = results.chain.get("codes", {})
    if not behind:
        remedy = "run Snakemake again: where nothing is to be made it notes what is there"
        yield Finding(UNKNOWN, CHAIN, "no note says which code stands behind the files: code is not compared", remedy)
        return
    changed = {known: list(_changed(known, told["files"], code)) for known, told in behind.items()}
    for path in sorted(part & set(results.files)):
        made = results.origin(path).get("settings", {}).get("code")
        if made is not None and made not in behind:
            wanted = results.chain["files"].get(path, {}).get("code")
            yield Finding(OTHER_CODE, path, f"it was made by the code {made}; that of this run is {wanted}")
        elif changed.get(made):
            yield Finding(OTHER_CODE, path, f"what made it has changed since: {', '.join(changed[made])}")


def _changed(made: str, parts: dict[str, str], code: Path | None) -> Iterator[str]:
    """The files, of PARTS, and the packages that are not what they were for the code MADE."""
    here = {name: provenance.short_meaning((code or provenance.ROOT) / name) for name in parts}
    yield from (
        f"{name} {'is not there' if not here[name] else ''}".rstrip() for name in parts if here[name] != parts[name]
    )
    for package, _, version in (word.partition("=") for word in made.split()[1:] if code is None):
        if (now := provenance.version(package)) != version:
            yield f"{package} was {version}, is {now}"


def _settings(results: Results, part: set[str], config: dict) -> Iterator[Finding]:
    for path in sorted(part & set(results.files)):
        changed = list(settings_now.changes(results.origin(path), config))
        if changed:
            yield Finding(
                STALE, path, "; ".join(changed), "run Snakemake again, or give the settings that it was made with"
            )


def report(results: Results, found: list[Finding], settings: str) -> str:
    """What the audit found, to read: each finding with what follows from it; or a summary where all is well."""
    lines = []
    for (kind, what, remedy), alike in _grouped(found).items():
        lines += [f"{kind}: {_place(results, each.path)}" for each in alike]
        part = results.ancestors(results.roots)
        follow = set().union(*(results.descendants(each.path) for each in alike)) & part - {each.path for each in alike}
        seen = [path for path in sorted(follow) if path in results.roots]
        lines += [f"    {what}", *([f"    {len(follow)} files come of it, among them {_few(seen)}"] if seen else [])]
        lines.append(f"    to do: {remedy}")
    if found:
        kinds = [f"{sum(each.kind == kind for each in found)} {kind}" for kind in KINDS]
        lines.append(f"{len(found)} findings: {', '.join(kind for kind in kinds if kind[0] != '0')}")
    else:
        lines += ["all is well: every file is what was made, from what is here, by the code that is here"]
    lines += [*_summary(results), f"settings: {settings}"]
    return "\n".join(lines) + "\n"


def _place(results: Results, path: str) -> str:
    return path if path == SETTINGS else results.place(path)


def _grouped(found: list[Finding]) -> dict[tuple[str, str, str], list[Finding]]:
    """Those that say the same, together."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for each in found:
        groups.setdefault((each.kind, each.what, each.remedy), []).append(each)
    return groups


def _summary(results: Results) -> Iterator[str]:
    part = results.ancestors(results.roots)
    links = sum(len(results.inputs(path)) for path in part)
    yield f"files: {len(part)} that tables and figures come from, {links} links between them"
    tables = [path for path in results.roots if path.endswith(".csv") and path in results.records]
    rows = sum(_rows(results.folder / path) for path in tables)
    report = results.folder / REPORT
    figures = len(re.findall(r"<svg|<img", report.read_text(errors="replace"))) if report.is_file() else 0
    yield f"rows: {rows} in {len(tables)} tables; figures in the report: {figures}"
    sources = sorted(path for path in part if (results[path] or {}).get("kind") == "images")
    counts = [(path, _length(results.folder / path)) for path in sources]
    yield f"images: {sum(count for _, count in counts)} in {len(counts)} files"
    if left := leftovers(results):
        yield f"beside them: {len(left)} files that no table and no figure comes from ({_few(left)})"


def _rows(path: Path) -> int:
    with path.open() as file:
        return max(0, sum(1 for _ in csv.reader(file)) - 1)


def _length(path: Path) -> int:
    try:
        with artifacts.Reader(path, artifacts.IMAGES) as reader:
            return len(reader)
    except (ValueError, OSError, KeyError):
        return 0


def _few(paths: list[str], most: int = 3) -> str:
    return ", ".join(paths[:most]) + (f" and {len(paths) - most} more" if len(paths) > most else "")
