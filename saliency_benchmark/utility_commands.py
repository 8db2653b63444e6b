"""The command on tables of what users answered: what they gain from maps over none and over placebos."""

import argparse

from saliency_benchmark import files, score_commands

WHAT = "Gains of users with maps over users without any and over placebos, with intervals and verdicts."


def add(commands: argparse._SubParsersAction) -> None:
    part = commands.add_parser("utility", help=WHAT, description=WHAT)
    part.add_argument(
        "table",
        help="CSV: columns explanation (none, random, other_image, oracle, any others) and accuracy; seed (the trained "
        "model) and repeat tell users apart, any others divide the table",
    )
    score_commands.add_shared(part, {"confidence": 0.95, "resamples": 2000, "seed": 0})
    part.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> None:
    from saliency_benchmark import tables, utility_summary, utility_tables  # a second of imports

    drawn = {name: getattr(arguments, name) for name in score_commands.DRAWN}
    score_commands.check(drawn)
    score_commands.check_apart(arguments.table, arguments.output)
    made = utility_summary.summarise(utility_tables.read(arguments.table, arguments.ignore), **drawn)
    origin = {"command": "utility", "table": files.content(arguments.table), "settings": drawn}
    tables.write(arguments.output, made, origin | {"ignore": arguments.ignore})
