"""What is in the crate of a run: files by name with size and digest, those that are told of alone, and the jobs."""

import json
import shutil
from pathlib import Path

import yaml

from saliency_benchmark import files, provenance, run_records
from saliency_benchmark.lineage import CHAIN, REPORT, Results

MANIFEST, METADATA, SETTINGS = "manifest.json", "ro-crate-metadata.json", "settings.yaml"
RESULTS = "results"
CODE = ("Snakefile", "rules", "workflow_scripts", "saliency_benchmark", "study", "envs", "profiles", "data", "tools",
        "Makefile", "requirements.in", "requirements.lock", "requirements-alone.lock", "config.yaml", "README.md",
        "LICENSE", "CITATION.cff")  # fmt: skip
HEAVY = ".h5"


def gather(results: Results, folder: Path, light: bool) -> dict:
    """Copy a run's files into the new FOLDER, with the manifest that is given back: name -> size and sha256.

    Files that tables and figures come from, their notes, the run's records, the code, and the settings as the report
    tells them. LIGHT: of the files of arrays the manifest has what they say of themselves, and they are not copied.
    """
    folder.mkdir(parents=True)
    settings = results.origin(REPORT).get("settings", {}).get("settings")
    if settings is None:
        raise ValueError(f"{results.place(REPORT)} does not tell the settings: run Snakemake to the end, then export")
    (folder / SETTINGS).write_text(yaml.safe_dump(settings, sort_keys=False))
    for name in CODE:
        _copy(provenance.ROOT / name, folder / name)
    kept = sorted(path for path in results.ancestors(results.roots) if path in results.records)
    withheld = {}
    for path in kept:
        source = results.folder / path
        if light and source.suffix == HEAVY:
            withheld[f"{RESULTS}/{path}"] = _facts(source) | {"record": results[path]}
            continue
        _copy(source, folder / RESULTS / path)
        _copy(files.note_path(source), folder / RESULTS / files.note_path(path))
    for name in (CHAIN, run_records.FOLDER):
        _copy(results.folder / name, folder / RESULTS / name)
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    packed = {path.relative_to(folder).as_posix(): _facts(path) for path in found}
    manifest = {"files": packed, "withheld": withheld}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True))
    return manifest | {"files": packed | {MANIFEST: _facts(folder / MANIFEST)}}


def jobs(results: Results, manifest: dict) -> list[dict]:
    """One row per job: rule, wildcards, settings, inputs and outputs by name in the crate, and when and where it ran.

    The jobs follow from what the files say; times stand in the run's records, for those that are on record.
    """
    there = manifest["files"].keys() | manifest["withheld"].keys()
    on_record = {path: job for job in run_records.jobs(results.folder) if job.get("success") for path in job["output"]}
    found: dict[str, dict] = {}
    for path in results.files:
        name, record = f"{RESULTS}/{path}", results[path]
        if name not in there or record is None:
            continue
        origin = record["origin"]
        inputs = [f"{RESULTS}/{each.path}" for each in results.inputs(path) if each.path]
        told = {key: origin.get(key, {}) for key in ("rule", "wildcards", "settings")}
        ran = {key: on_record.get(name, {}).get(key) for key in ("start", "end", "host")}
        job = found.setdefault(json.dumps(origin, sort_keys=True), {**told, **ran, "outputs": []})
        job["inputs"] = list(dict.fromkeys(source for source in inputs if source in there))
        job["outputs"].append(name)
    return list(found.values())


def span(results: Results) -> tuple[str | None, str | None]:
    """When the first job on record began and the last one ended."""
    told = [job for job in run_records.jobs(results.folder) if "end" in job]
    return (min(job["start"] for job in told), max(job["end"] for job in told)) if told else (None, None)


def results_shown(manifest: dict) -> list[str]:
    names = manifest["files"]
    tables = [name for name in names if name.startswith(f"{RESULTS}/tables/") and name.endswith(".csv")]
    return [*sorted(tables), *(name for name in (f"{RESULTS}/{REPORT}",) if name in names)]


def _facts(path: Path) -> dict:
    return {"size": path.stat().st_size, "sha256": files.content(path)}


def _copy(source: Path, target: Path) -> None:
    """A file or a folder, where there is one; without hidden files, what Python keeps, and links that lead out."""
    if source.is_dir():
        for path in sorted(source.iterdir()):
            inside = path.resolve().is_relative_to(source.resolve())
            if not path.name.startswith(".") and path.name != "__pycache__" and inside:
                _copy(path, target / path.name)
    elif source.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
