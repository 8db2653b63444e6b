"""The command on tables of ROAR curves: area scores against a control."""

import argparse

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
    part.add_argument("--control", default="random", help="the method that knows nothing (random)")
    part.add_argument("--order", default="remove", choices=ORDERS, help="of a table without that column (remove)")
    score_commands.add_shared(part, {"confidence": 0.95, "resamples": 2000, "seed": 0})
    part.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> None:
    from saliency_benchmark import curve_tables, roar_summary, tables  # a second of imports, for those who need them

    settings = {name: getattr(arguments, name) for name in score_commands.DRAWN}
    score_commands.check(settings)
    score_commands.check_apart(arguments.curves, arguments.output)
    more = {"order": arguments.order, "ignore": arguments.ignore}
    curves = curve_tables.read(arguments.curves, arguments.control, **more)
    table = roar_summary.summarise(curves, arguments.control, **settings)
    origin = {"command": "roar-summary", "curves": files.content(arguments.curves), "settings": settings}
    tables.write(arguments.output, table, origin | {"control": arguments.control} | more)
