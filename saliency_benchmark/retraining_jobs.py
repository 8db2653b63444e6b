"""Retrainings of one job: each leaves its own file, which says of itself what it would had it had a job of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace

import pandas as pd

from saliency_benchmark import artifacts, files, retraining, tables
from saliency_benchmark.retraining import Part


@dataclass(frozen=True)
class Task:
    """Its NAME for the log, the PATH and the ORIGIN of its table, its settings, and the paths of its rank maps."""

    name: str
    path: str
    origin: dict
    settings: dict
    ranks: list[str]


def tasks(job: object, rule: str) -> list[Task]:
    """Of JOB, of RULE or of one that does several of RULE's jobs: then its param `members` tells what is each one's.

    A member is {"wildcards": ..., "settings": ...}, beside what all share. Outputs follow in the order of the members;
    the inputs `ranks` in that of their methods, equally many for each.
    """
    shared, names = dict(job.params.items()), dict(job.wildcards.items())
    members = shared.pop("members", [{"wildcards": {}, "settings": {}}])
    inputs = {name: files.listed(paths) for name, paths in job.input.items()}
    ranks, found = inputs.get("ranks", []), []
    methods = list(dict.fromkeys(member["wildcards"].get("method") for member in members))
    each = len(ranks) // len(methods)
    for member, path in zip(members, job.output, strict=True):
        place = each * methods.index(member["wildcards"].get("method"))
        own = ranks[place : place + each]
        settings, about = shared | member["settings"], names | member["wildcards"]
        one = SimpleNamespace(
            rule=rule, wildcards=about, params=settings, input=inputs | ({"ranks": own} if own else {})
        )
        found.append(Task(_name(member["wildcards"]), str(path), artifacts.origin(one), settings, own))
    return found


def origin(of: list[Task]) -> dict:
    """What decides a job's checkpoint."""
    return {"tasks": [task.origin for task in of]}


def parts(of: list[Task], train: dict, test: dict) -> list[Part]:
    """What `retraining.curves` is to do."""
    return [
        Part(
            task.name,
            partial(retraining.ranks, task.ranks, train, test),
            task.settings["seed"],
            task.settings["removal"].get("control"),
        )
        for task in of
    ]


def one_by_one(of: list[Task], work: Callable[..., list[dict]], train: dict, test: dict, **how: object) -> list:
    """What WORK gives for each: for the images, their ranks if the task has any, its seed and its name."""
    return [
        work(
            train,
            test,
            *([retraining.ranks(task.ranks, train, test)] if task.ranks else []),
            seed=task.settings["seed"],
            name=task.name,
            **how,
        )
        for task in of
    ]


def write(of: list[Task], found: list[list[dict]]) -> None:
    """To each one's file the rows that were FOUND for it."""
    for task, rows in zip(of, found, strict=True):
        tables.write(task.path, pd.DataFrame(rows), task.origin)


def _name(wildcards: dict) -> str:
    return " ".join(value if name == "method" else f"{name} {value}" for name, value in wildcards.items())
