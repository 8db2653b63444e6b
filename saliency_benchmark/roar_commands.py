"""The command on tables of ROAR curves: area scores against a control."""

import argparse
from pathlib import Path

from saliency_benchmark import files, score_commands

ORDERS = ("remove", "keep", "remove_least")
WHAT = "Area scores of ROAR curves: how far each lies from the control's, with what the repeats leave open."


def add(commands: argparse._SubParsersAction) -> None:
    part = commands.add_parser("roar-summary", help=WHAT, description=WHAT)
    part.add_argument(
        "curves",
        help="CSV: columns method, fraction, accuracy (both 0 to 1); repeat (else each curve is there once), order "
        "(remove, remove_least: fraction removed; keep: fraction kept), seed (of the base model); any others are keys",
    )
    part.add_argument("--output", required=True, help="CSV to write")
    part.add_argument("--control", default="random", help="the method that knows nothing (random)")
    part.add_argument("--order", default="remove", choices=ORDERS, help="of a table without that column (remove)")
    part.add_argument("--ignore", action="append", default=[], metavar="COLUMN", help="a column that is no key")
    part.add_argument("--confidence", type=float, default=0.95, help="coverage of the intervals (0.95)")
    part.add_argument("--resamples", type=int, default=2000, help="bootstrap samples of the repeats (2000)")
    part.add_argument("--seed", type=int, default=0, help="of all that is drawn (0)")
    part.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> None:
    from saliency_benchmark import curve_tables, roar_summary, tables  # a second of imports, for those who need them

    settings = {name: getattr(arguments, name) for name in ("confidence", "resamples", "seed")}
    score_commands.check(settings)
    if Path(arguments.curves).resolve() == Path(arguments.output).resolve():
        raise ValueError("a table would be written over another; name another output")
    more = {"order": arguments.order, "ignore": arguments.ignore}
    curves = curve_tables.read(arguments.curves, arguments.control, **more)
    table = roar_summary.summarise(curves, arguments.control, **settings)
    origin = {"command": "roar-summary", "curves": files.content(arguments.curves), "settings": settings}
    tables.write(arguments.output, table, origin | {"control": arguments.control} | more)
