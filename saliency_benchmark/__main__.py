"""Commands for people: `python -m saliency_benchmark settings | list KIND | check CONFIG | show FILE | ...`.

Those that check a run and trace its numbers are told in `audit_commands`; those that analyse tables of scores, ROAR
curves, robustness or users' answers, whoever made them, in `score_commands`, `roar_commands`, `robustness_commands`,
`utility_commands`; those of the study with people in `kit_commands`.
"""

import argparse
import json
import sys
from pathlib import Path

import yaml

from saliency_benchmark import (
    artifacts,
    audit_commands,
    catalogue,
    config,
    kit_commands,
    plan_commands,
    registry,
    roar_commands,
    robustness_commands,
    score_commands,
    settings_table,
    study_commands,
    utility_commands,
)


def settings(arguments: argparse.Namespace) -> None:
    """Print the table of all settings, as the README has it."""
    print(settings_table.settings_table(), end="")


def check(arguments: argparse.Namespace) -> None:
    """Check a settings file and print it with every default filled in."""
    settings = yaml.safe_load(Path(arguments.file).read_text()) or {}
    print(yaml.safe_dump(config.complete(settings), sort_keys=False), end="")


def list_(arguments: argparse.Namespace) -> None:
    """List what there is of a KIND (datasets, methods, metrics, models, probes, ...), with options and defaults."""
    if arguments.kind not in registry.FUNCTIONS:
        raise ValueError(f"no kind {arguments.kind!r}; there are: {', '.join(registry.FUNCTIONS)}")
    print(catalogue.table(arguments.kind), end="")


def show(arguments: argparse.Namespace) -> None:
    """Print what an artifact says of itself: kind, content and origin, and whether its contents are still that."""
    record = artifacts.record(arguments.file)
    if record is None:
        raise ValueError(f"{arguments.file} says nothing of itself: it is not whole, or not of this workflow")
    print(json.dumps(record | {"intact": artifacts.intact(arguments.file)}, indent=2))


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m saliency_benchmark", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command, wants in ((settings, None), (list_, "kind"), (check, "file"), (show, "file")):
        name = command.__name__.rstrip("_")
        part = commands.add_parser(name, help=command.__doc__, description=command.__doc__)
        part.set_defaults(command=command)
        if wants:
            part.add_argument(wants)
    audit_commands.add(commands)
    plan_commands.add(commands)
    score_commands.add(commands)
    roar_commands.add(commands)
    robustness_commands.add(commands)
    kit_commands.add(commands)
    study_commands.add(commands)
    utility_commands.add(commands)
    arguments = parser.parse_args(words)
    try:
        return arguments.command(arguments) or 0
    except (ValueError, OSError, yaml.YAMLError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
