"""Is a crate whole, and is every number in it still what was made? Nothing of the crate's is run or imported."""

import json
from collections.abc import Iterator
from pathlib import Path

import yaml

from saliency_benchmark import archives, audit, files
from saliency_benchmark.audit import ALTERED, MISSING, UNKNOWN, Finding
from saliency_benchmark.crate_files import MANIFEST, METADATA, RESULTS, SETTINGS
from saliency_benchmark.lineage import REPORT, Results

COPY = "copy the crate again from where it was published"


def check(folder: str | Path) -> tuple[Results, list[Finding]]:
    """The results in the crate in FOLDER, and all that is wrong with it; paths of findings are below FOLDER.

    Raises ValueError where there is no crate, or where it leads out of its folder.
    """
    folder = Path(folder)
    if leading := archives.links(folder):
        raise ValueError(f"{leading[0]} is a link out of the crate: the crate is not read")
    manifest = _manifest(folder)
    found = [*_files(folder, manifest), *_metadata(folder, manifest), *_closed(folder)]
    if found:
        return Results(folder), found
    start = f"{RESULTS}/"
    withheld = {name.removeprefix(start): facts["record"] for name, facts in manifest["withheld"].items()}
    results = Results(folder / RESULTS, withheld)
    found += _told_settings(folder, results)
    found += audit.findings(results, code=folder)
    return results, found


def _manifest(folder: Path) -> dict:
    try:
        told = json.loads((folder / MANIFEST).read_text())
        for name in [*told["files"], *told["withheld"]]:
            archives.inside(folder, name)
        return told
    except (OSError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder} is no crate of a run: its {MANIFEST} cannot be read ({error})") from error


def _files(folder: Path, manifest: dict) -> Iterator[Finding]:
    """Files that are gone, altered, or strangers."""
    for name, facts in sorted(manifest["files"].items()):
        path = archives.inside(folder, name)
        if not path.is_file():
            yield Finding(MISSING, name, f"{MANIFEST} names it", COPY)
        elif files.content(path) != facts["sha256"]:
            yield Finding(ALTERED, name, f"its sha256 is not that in {MANIFEST}", COPY)
    there = (path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file())
    for name in there:
        if name not in manifest["files"] and name not in (MANIFEST, METADATA):
            yield Finding(UNKNOWN, name, f"{MANIFEST} does not name it", "remove it, or copy the crate again")


def _metadata(folder: Path, manifest: dict) -> Iterator[Finding]:
    """Does the description of the crate say the same of its files?"""
    try:
        graph = json.loads((folder / METADATA).read_text())["@graph"]
        told = {entity["@id"]: entity["sha256"] for entity in graph if "sha256" in entity}
    except (OSError, ValueError, KeyError, TypeError) as error:
        yield Finding(MISSING, METADATA, f"it cannot be read ({error})", COPY)
        return
    wanted = {name: facts["sha256"] for name, facts in manifest["files"].items()}
    wanted |= {f"#{name}": facts["sha256"] for name, facts in manifest["withheld"].items()}
    wanted[MANIFEST] = files.content(folder / MANIFEST)
    for name in sorted(wanted.keys() | told.keys()):
        if wanted.get(name) != told.get(name):
            yield Finding(ALTERED, name.lstrip("#"), f"{METADATA} tells another sha256 of it, or none", COPY)


def _closed(folder: Path) -> Iterator[Finding]:
    """Files of arrays that would read another file outside of the crate."""
    for path in sorted(folder.rglob("*.h5")):
        try:
            sources = archives.sources(path)
        except ValueError:
            yield Finding(ALTERED, path.relative_to(folder).as_posix(), "it is no file of arrays", COPY)
            continue
        for source in sources:
            target = (path.parent / source).resolve()
            if Path(source).is_absolute() or not target.is_relative_to(folder.resolve()):
                what = f"it would read {source}, which is not in the crate"
                yield Finding(ALTERED, path.relative_to(folder).as_posix(), what, COPY)


def _told_settings(folder: Path, results: Results) -> Iterator[Finding]:
    told = results.origin(REPORT).get("settings", {}).get("settings")
    if files.plain(yaml.safe_load((folder / SETTINGS).read_text())) != told:
        yield Finding(ALTERED, SETTINGS, "it does not hold the settings that the report was made with", COPY)
