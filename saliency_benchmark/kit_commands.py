"""Commands for the study with people: build its pages, serve them, export the logs."""

import argparse
import sys
from pathlib import Path

import yaml

BUILD = "Build the pages of a study with people from items: one folder, for a server or to be opened as a file."
SERVE = "Serve a built study and keep the participants' answers."
SETTINGS = "Print the table of the settings of a study with people, as docs/study.md has it."
EXPORT = "Write one JSON-lines log per participant from the answers that a server keeps."


def add(commands: argparse._SubParsersAction) -> None:
    part = commands.add_parser("study-build", help=BUILD, description=BUILD)
    part.add_argument("items", nargs="*", metavar="ITEMS.h5", help="items of one task, which the workflow makes")
    part.add_argument("--output", required=True, metavar="FOLDER", help="folder to write; an earlier study is replaced")
    part.add_argument("--settings", metavar="YAML", help="settings of the study (docs/study.md); defaults without")
    part.add_argument("--pilot", action="store_true", help="a short study to try the pages, marked in its logs")
    part.set_defaults(command=build)
    part = commands.add_parser("study-serve", help=SERVE, description=SERVE)
    part.add_argument("folder", metavar="FOLDER", help="what study-build wrote")
    part.add_argument("--data", required=True, metavar="FOLDER", help="where answers are kept; not inside the study")
    part.add_argument("--port", type=int, default=8000, help="8000")
    part.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1: this machine alone)")
    part.set_defaults(command=serve)
    part = commands.add_parser("study-export", help=EXPORT, description=EXPORT)
    part.add_argument("data", metavar="DATA", help="the --data folder of study-serve")
    part.add_argument("--output", required=True, metavar="FOLDER", help="folder for the logs")
    part.set_defaults(command=export)
    commands.add_parser("study-settings", help=SETTINGS, description=SETTINGS).set_defaults(command=tell)


def build(arguments: argparse.Namespace) -> None:
    from saliency_benchmark.study import building, settings

    own = yaml.safe_load(Path(arguments.settings).read_text()) if arguments.settings else {}
    study = building.build(arguments.items, arguments.output, settings.complete(own, arguments.pilot))
    slots, arms = len(study["plans"]), len(study["conditions"])
    print(f"study {study['digest']}: {study['task']}, {arms} conditions, {slots} plans, {len(study['items'])} items")
    if any(name.startswith("class ") for item in study["items"].values() for name in item["predictions"]):
        print(
            "classes have no names: people will read `class 3` and the like; set `classes` in the settings of the study"
        )
    print(f"open {Path(arguments.output) / 'index.html'}, or: study-serve {arguments.output} --data FOLDER")


def serve(arguments: argparse.Namespace) -> None:
    import uvicorn

    from saliency_benchmark.study import serving

    made = serving.app(arguments.folder, arguments.data)
    print(f"http://{arguments.host}:{arguments.port}/", file=sys.stderr)
    # No access log: it would hold the participants' addresses.
    uvicorn.run(
        made, host=arguments.host, port=arguments.port, access_log=False, server_header=False, log_level="warning"
    )


def export(arguments: argparse.Namespace) -> None:
    from saliency_benchmark.study import storage

    counts = storage.export(arguments.data, arguments.output)
    print(f"{len(counts)} logs, {sum(counts.values())} events in {arguments.output}")


def tell(arguments: argparse.Namespace) -> None:
    from saliency_benchmark import settings_table
    from saliency_benchmark.study import settings

    print(settings_table.settings_table(settings.SCHEMA), end="")
