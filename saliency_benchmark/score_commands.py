"""Commands on tables of scores: read, analyse, and write a table that is there whole or not at all."""

import argparse
from pathlib import Path

from saliency_benchmark import config, files

SETTINGS = config.SCHEMA["properties"]["agreement"]["properties"]
DEFAULTS = {name: part["default"] for name, part in SETTINGS.items() if "default" in part}
OPTIONS = {
    "level": {"choices": ["ordinal", "interval", "ratio"], "help": "level of measurement of the ranks"},
    "confidence": {"type": float, "help": "coverage of the intervals"},
    "resamples": {"type": int, "help": "bootstrap samples"},
    "probability": {"type": float, "help": "that the best method stays ahead"},
    "seed": {"type": int, "help": "of all that is drawn"},
}
DRAWN = ("confidence", "resamples", "seed")
# By command: the function of `analyses`, what it is for, the settings that it takes.
COMMANDS = {
    "agreement": ("agreement", "Krippendorff's alpha of the images' rankings of the methods, per metric and group."),
    "agreement-difference": ("differences", "Alpha of each recipe minus that of a baseline, on the same images."),
    "metric-agreement": ("across", "How far metrics agree with each other on the order of the methods."),
    "ranks": ("ranks", "Mean ranks of the methods, and which are tied for first."),
    "benchmark-size": ("sizes", "The least number of images that name the best method again."),
}


def add(commands: argparse._SubParsersAction) -> None:
    for name, (function, what) in COMMANDS.items():
        part = commands.add_parser(name, help=what, description=what)
        part.add_argument("scores", help="CSV: columns method, metric, image, score; any others group the rows")
        several = {"action": "append", "default": [], "metavar": "WORD"}
        part.add_argument(
            "--direction", **several, help="higher, lower, or METRIC=higher; metrics of this workflow know theirs"
        )
        part.add_argument("--groups", **several, help="NAME=METHOD,METHOD or a YAML file; all methods if not given")
        wanted = {"sizes": ("probability", "seed"), "ranks": DRAWN, "across": DRAWN}.get(function, ("level", *DRAWN))
        add_shared(part, {option: DEFAULTS[option] for option in wanted})
        if function == "sizes":
            part.add_argument("--curve", help="CSV to write too: the probability by number of images")
        if function == "differences":
            part.add_argument("--baseline", required=True, help="the recipe that the others are compared with")
            part.add_argument("--between", default="recipe", help="column that names the recipes (recipe)")
        part.set_defaults(command=run, function=function, settings=wanted)


def add_shared(part: argparse.ArgumentParser, defaults: dict[str, object]) -> None:
    """What every command on a table takes: --output, --ignore, and the options that have DEFAULTS."""
    part.add_argument("--output", required=True, help="CSV to write")
    part.add_argument("--ignore", action="append", default=[], metavar="COLUMN", help="a column that is no key")
    for option, default in defaults.items():
        told = OPTIONS[option] | {"help": f"{OPTIONS[option]['help']} ({default})"}
        part.add_argument(f"--{option}", default=default, **told)


def run(arguments: argparse.Namespace) -> None:
    from saliency_benchmark import analyses, tables  # a second of imports, for those who need them

    settings = {name: getattr(arguments, name) for name in arguments.settings}
    check(settings)
    outputs = [path for path in (arguments.output, getattr(arguments, "curve", None)) if path]
    check_apart(arguments.scores, *outputs)
    request = analyses.Request(arguments.scores, arguments.direction, arguments.groups, arguments.ignore)
    more = {name: getattr(arguments, name) for name in ("baseline", "between") if hasattr(arguments, name)}
    made = [getattr(analyses, arguments.function)(request, settings, **more)]
    made += [analyses.curve(request, settings)] if len(outputs) > 1 else []
    origin = {"command": arguments.function, "scores": files.content(arguments.scores), "settings": settings | more}
    origin |= {name: getattr(arguments, name) for name in ("direction", "groups", "ignore")}
    for path, table in zip(outputs, made, strict=True):
        tables.write(path, table, origin)


def check_apart(*paths: str | None) -> None:
    """Raise ValueError where two of PATHS, of tables read and written, are one."""
    found = [Path(path).resolve() for path in paths if path]
    if len(set(found)) < len(found):
        raise ValueError("a table would be written over another; name another output")


def check(settings: dict) -> None:
    """Raise ValueError for a number that is out of its bounds."""
    for name in ("confidence", "probability"):
        if not 0 < settings.get(name, 0.5) < 1:
            raise ValueError(f"{name} is {settings[name]}; wanted: between 0 and 1")
    if settings.get("resamples", 100) < 100 or settings["seed"] < 0:
        raise ValueError(f"resamples and seed are {settings}; wanted: at least 100 resamples, and a seed from 0")
