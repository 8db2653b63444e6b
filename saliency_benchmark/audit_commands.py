"""Commands on a folder of results: is it still what was made, and what does a number come from?"""

import argparse
import tempfile
from pathlib import Path

import yaml

AUDIT = "Check every table row and figure of a run: contents, inputs, code and settings; names what is wrong."
EXPORT = "Pack a run as a Workflow Run RO-Crate: settings, code, artifacts, tables, report, and which job made which."
VERIFY = "Check a crate that `export` made: files, contents, inputs and code; nothing of it is run."
TRACE = "Print what rows of a table come from, down to the images, with code, settings and versions."


def add(commands: argparse._SubParsersAction) -> None:
    part = commands.add_parser("audit", help=AUDIT, description=AUDIT)
    part.add_argument("results", help="the folder of results of a run, or a crate that `export` made of it")
    part.add_argument("--settings", help="the settings that it should be of (those that the run on record was given)")
    part.set_defaults(command=audit_)
    part = commands.add_parser("trace", help=TRACE, description=TRACE)
    part.add_argument("table", help="a CSV of the folder of results")
    part.add_argument("--where", action="append", default=[], metavar="COLUMN=VALUE,...", help="which rows")
    part.add_argument("--picture", metavar="FILE", help="draw it too: .svg or .png")
    part.set_defaults(command=trace)
    part = commands.add_parser("export", help=EXPORT, description=EXPORT)
    part.add_argument("results", help="the folder of results of a run")
    part.add_argument("--output", required=True, metavar="CRATE", help="a folder that is not there yet, or a .zip")
    part.add_argument("--light", action="store_true", help="without files of arrays, of which digests stay")
    part.add_argument("--agent", default="", metavar="NAME", help="who ran it; nobody is named else")
    part.set_defaults(command=export)
    part = commands.add_parser("verify", help=VERIFY, description=VERIFY)
    part.add_argument("crate", help="a folder or a .zip")
    part.set_defaults(command=verify)


def audit_(arguments: argparse.Namespace) -> int:
    from saliency_benchmark import audit, crate_files, lineage  # imports that take a moment, for those who need them

    if Path(arguments.results).is_file() or (Path(arguments.results) / crate_files.METADATA).exists():
        return verify(argparse.Namespace(crate=arguments.results))
    results = lineage.Results(arguments.results)
    try:
        config, told = settings(arguments)
        found = audit.findings(results, config)
    except ValueError as error:
        if arguments.settings:
            raise
        remedy = "make them usable here, or give --settings FILE"
        found, told = audit.findings(results), "not compared"
        found.append(audit.Finding(audit.UNKNOWN, lineage.SETTINGS, str(error).replace("\n", "\n    "), remedy))
    print(audit.report(results, found, told), end="")
    return 1 if found else 0


def settings(arguments: argparse.Namespace) -> tuple[dict | None, str]:
    """The complete settings to hold the results against, and a word on where they come from."""
    from saliency_benchmark import config, run_records

    if arguments.settings:
        return config.complete(_read(Path(arguments.settings))), f"held against {arguments.settings}"
    noted = run_records.settings_files(arguments.results)
    beside = Path(arguments.results).resolve().parent / "config.yaml"
    paths, changes = noted or ([beside], {})
    if not paths or not all(path.is_file() for path in paths):
        return None, "not compared: give --settings FILE"
    given: dict = {}
    for path in paths:
        _update(given, _read(path))
    _update(given, changes)
    return config.complete(given), f"held against {', '.join(map(str, paths))}" + (" and changes" if changes else "")


def trace(arguments: argparse.Namespace) -> int:
    from saliency_benchmark import tracing

    lineage = tracing.trace(arguments.table, tracing.conditions(arguments.where))
    if arguments.picture:
        from saliency_benchmark import figures_lineage

        figures_lineage.save(lineage, arguments.picture)
    print(tracing.text(lineage), end="")
    return 1 if any(node.fault for node in lineage.nodes.values()) else 0


def export(arguments: argparse.Namespace) -> int:
    from saliency_benchmark import archives, audit, crates, lineage

    output, results = Path(arguments.output), lineage.Results(arguments.results)
    if output.exists():
        raise ValueError(f"{output} is there already; name another output, or remove it")
    if found := audit.findings(results):
        told = f"{found[0].kind}: {found[0].path}, {found[0].what}"
        raise ValueError(f"{arguments.results} has {len(found)} findings ({told}); see the command `audit`")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as place:
        crate = Path(place) / "crate"
        crates.export(results, crate, arguments.light, arguments.agent)
        if output.suffix == ".zip":
            archives.pack(crate, Path(place) / "crate.zip")
            crate = Path(place) / "crate.zip"
        crate.rename(output)
    print(f"{output}: python -m saliency_benchmark verify {output}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    from saliency_benchmark import archives, audit, crate_check, crate_files, files

    crate = Path(arguments.crate)
    if not crate.exists():
        raise ValueError(f"there is no crate {str(crate)!r}")
    with tempfile.TemporaryDirectory() as place:
        folder = crate
        if crate.is_file():
            folder = Path(place)
            archives.unpack(crate, folder)
        results, found = crate_check.check(folder)
        digest = files.content(folder / crate_files.METADATA) if (folder / crate_files.METADATA).exists() else "none"
        print(audit.report(results, found, "those that the crate holds"), end="")
        print(f"crate: sha256 of its {crate_files.METADATA} is {digest}")
    return 1 if found else 0


def _read(path: Path) -> dict:
    told = yaml.safe_load(path.read_text()) or {}
    if not isinstance(told, dict):
        raise ValueError(f"{path} holds no settings; wanted: a YAML file like config.yaml")
    return told


def _update(given: dict, more: dict) -> None:
    """Put MORE over GIVEN at every depth, as Snakemake does with several files of settings."""
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(given.get(key), dict):
            _update(given[key], value)
        else:
            given[key] = value
