"""Commands on studies with people: analyse their logs, how many people a study needs, and its preregistration."""

import argparse
import sys
from pathlib import Path

STUDY = "Analyse logs of a study: exclusions by rule, accuracy, mixed model, contrasts, equivalence, a page to read."
POWER = "How many people a study needs to find an effect, by simulation."
PREREGISTRATION = "A preregistration filled in from settings; what they do not tell is marked."


def add(commands: argparse._SubParsersAction) -> None:
    _add_study(commands)
    _add_power(commands)
    part = commands.add_parser("preregistration", help=PREREGISTRATION, description=PREREGISTRATION)
    part.add_argument("--settings", required=True, help="YAML file of the study (docs/study-analysis.md)")
    part.add_argument("--output", required=True, help="Markdown file to write")
    part.set_defaults(command=preregistration)


def _add_study(commands: argparse._SubParsersAction) -> None:
    part = commands.add_parser("study", help=STUDY, description=STUDY)
    part.add_argument("logs", nargs="+", help="logs (JSON lines) or folders of them")
    part.add_argument("--output", required=True, metavar="DIR", help="folder for the tables and the page")
    part.add_argument("--settings", help="YAML file with the sections exclusions and analysis, or rules alone")
    part.add_argument("--study", help="the study that counts (the one with most participants)")
    part.add_argument("--codes", help="CSV of coded descriptions: participant, rater, code")
    part.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="RULE=NUMBER",
        help="set a rule of exclusion; RULE=off drops it",
    )
    part.add_argument("--baseline", help="the condition that the others are compared with (none)")
    numbers = {
        "margin": (float, "of the equivalence test (0.1)"),
        "alpha": (float, "level of the tests (0.05)"),
        "power": (float, "of the smallest detectable effect (0.8)"),
        "confidence": (float, "coverage of the intervals (0.95)"),
        "resamples": (int, "bootstrap samples (2000)"),
        "seed": (int, "of all that is drawn (0)"),
    }
    for name, (kind, what) in numbers.items():
        part.add_argument(f"--{name}", type=kind, help=what)
    part.set_defaults(command=study)


def _add_power(commands: argparse._SubParsersAction) -> None:
    part = commands.add_parser("study-power", help=POWER, description=POWER)
    numbers = {
        "effect": (float, None, "difference of the marginal probabilities of a correct answer (0.1; 0 with a margin)"),
        "base": (float, 0.6, "marginal probability of a correct answer without the effect"),
        "items": (int, 20, "items per condition"),
        "participant-sd": (float, 0.5, "standard deviation of participants, in logits"),
        "item-sd": (float, 1.0, "standard deviation of items, in logits"),
        "correlation": (
            float,
            0.5,
            "within: of a participant's own levels under the two conditions; 1: all gain alike",
        ),
        "power": (float, 0.8, "that is wanted"),
        "alpha": (float, 0.05, "level of the test, two-sided"),
        "margin": (float, None, "power of the equivalence test with this margin, instead of the test of a difference"),
        "simulations": (int, 2000, "simulated studies per number of people"),
        "seed": (int, 0, "of all that is drawn"),
    }
    for name, (kind, default, what) in numbers.items():
        told = what if default is None else f"{what} ({default:g})"
        part.add_argument(f"--{name}", type=kind, default=default, help=told)
    part.add_argument("--design", choices=["between", "within"], default="between", help="of conditions (between)")
    part.add_argument("--output", help="CSV to write: the power by number of people")
    part.set_defaults(command=study_power)


def study(arguments: argparse.Namespace) -> None:
    from saliency_benchmark import files, tables  # seconds of imports, for those who need them
    from saliency_benchmark.study_analysis import analysis, logs, rules, study_report, study_settings

    given = study_settings.read(arguments.settings) if arguments.settings else {}
    options = {name: getattr(arguments, name) for name in study_settings.ANALYSIS}
    settings = study_settings.analysis((given.get("analysis") or {}) | _given(options))
    exclusions = rules.completed((given.get("exclusions") or {}) | _rules(arguments.exclude))
    where = {"study": arguments.study, "codes": arguments.codes}
    result = analysis.analyse(arguments.logs, exclusions, settings, **where)
    read = [files.content(path) for path in logs.listed(arguments.logs)]
    origin = {"command": "study", "logs": read, "study": result.study, "settings": settings, "exclusions": exclusions}
    output = Path(arguments.output)
    for name, table in result.tables.items():
        tables.write(output / f"{name}.csv", table, origin)
    page = study_report.render(result, exclusions, settings)
    files.write_text(output / "report.html", page, "page", origin)
    for note in result.notes:
        print(note, file=sys.stderr)
    if not result.kept:
        raise ValueError(f"no participant is left of {result.people}; {output / 'exclusions.csv'} says by which rules")
    print(f"{result.kept} of {result.people} participants analysed; read {output / 'report.html'}")


def study_power(arguments: argparse.Namespace) -> None:
    from saliency_benchmark import tables
    from saliency_benchmark.study_analysis import power
    from saliency_benchmark.study_analysis.simulated_studies import Truth

    usual = 0.1 if arguments.margin is None else 0.0
    effect = usual if arguments.effect is None else arguments.effect
    names = ("base", "items", "participant_sd", "item_sd", "correlation")
    truth = Truth(
        effect=effect, within=arguments.design == "within", **{name: getattr(arguments, name) for name in names}
    )
    wanted = power.Wanted(arguments.power, arguments.alpha, arguments.margin)
    drawn = {"simulations": arguments.simulations, "seed": arguments.seed}
    found = power.people_needed(truth, wanted, **drawn, tell=lambda line: print(line, file=sys.stderr))
    if arguments.output:
        origin = {"command": "study-power", "truth": vars(truth), "wanted": vars(wanted), **drawn}
        tables.write(arguments.output, found.curve, origin)
    print(power.told(found, truth, wanted))


def preregistration(arguments: argparse.Namespace) -> None:
    from saliency_benchmark import files
    from saliency_benchmark.study_analysis import preregistering, study_settings

    text = preregistering.text(study_settings.read(arguments.settings))
    origin = {"command": "preregistration", "settings": files.content(arguments.settings)}
    files.write_text(arguments.output, text, "text", origin)


def _given(options: dict) -> dict:
    return {name: value for name, value in options.items() if value is not None}


def _rules(words: list[str]) -> dict[str, float | None]:
    found = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            found[name] = None if value == "off" else float(value)
        except ValueError:
            raise ValueError(f"--exclude {word}: wanted: RULE=NUMBER or RULE=off") from None
    return found
