"""The command on tables of robustness: what the difference depends on, whether measures agree, a verdict for each."""

import argparse

from saliency_benchmark import files, score_commands

WHAT = "Least squares of the per-image difference of aligned and misaligned copies, with errors clustered by image."


def add(commands: argparse._SubParsersAction) -> None:
    part = commands.add_parser("robustness", help=WHAT, description=WHAT)
    part.add_argument(
        "table",
        help="CSV: columns method, image, measure, difference (and aligned, misaligned); model, initialisation, label, "
        "seed are pooled where the formula does not name them, any others divide the table",
    )
    part.add_argument(
        "--formula",
        help="'difference ~ model + method', joined by + : or *; if not given, model, method, initialisation and label "
        "where they have several levels",
    )
    part.add_argument("--cluster", default="image", metavar="COLUMN", help="what errors are clustered by (image)")
    part.add_argument("--correlation", help="CSV to write too: correlations of the measures")
    part.add_argument("--summary", help="CSV to write too: means, intervals and verdicts")
    part.add_argument("--models", help="CSV as alignment_models.csv: accuracies and losses, which verdicts look at")
    score_commands.add_shared(part, {"confidence": 0.95, "resamples": 2000, "seed": 0})
    part.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> None:
    # A second of imports, for those who need them.
    from saliency_benchmark import regression, robustness, robustness_correlation, robustness_tables, tables

    drawn = {name: getattr(arguments, name) for name in score_commands.DRAWN}
    score_commands.check(drawn)
    read, written = (arguments.table, arguments.models), (arguments.output, arguments.correlation, arguments.summary)
    score_commands.check_apart(*read, *written)
    table = robustness_tables.read(arguments.table, arguments.ignore)
    models = robustness_tables.read_models(arguments.models) if arguments.models else None
    options = {"cluster": arguments.cluster, "confidence": arguments.confidence}
    made = {arguments.output: regression.regress(table, arguments.formula, **options)}
    if arguments.correlation:
        made[arguments.correlation] = robustness_correlation.correlations(table, **drawn)
    if arguments.summary:
        made[arguments.summary] = robustness.summarise(table, models, **drawn)
    origin = {"command": "robustness", "table": files.content(arguments.table), "settings": drawn}
    origin |= {name: getattr(arguments, name) for name in ("formula", "cluster", "ignore")}
    origin |= {"models": files.content(arguments.models)} if arguments.models else {}
    for path, each in made.items():
        tables.write(path, each, origin)
