"""The retrainings of one job, each of which leaves its own table."""

from collections.abc import Callable
from functools import partial

import pandas as pd

from saliency_benchmark import retraining, tables
from saliency_benchmark.members import Member
from saliency_benchmark.retraining import Part


def origin(tasks: list[Member]) -> dict:
    """What decides a job's checkpoint."""
    return {"tasks": [task.origin() for task in tasks]}


def parts(tasks: list[Member], train: dict, test: dict) -> list[Part]:
    """What `retraining.curves` is to do."""
    return [
        Part(
            task.name,
            partial(retraining.ranks, task.inputs["ranks"], train, test),
            task.settings["seed"],
            task.settings["removal"].get("control"),
        )
        for task in tasks
    ]


def one_by_one(tasks: list[Member], work: Callable[..., list[dict]], train: dict, test: dict, **how: object) -> list:
    """What WORK gives for each: for the images, their ranks if the task has any, its seed and its name."""
    return [
        work(
            train,
            test,
            *([retraining.ranks(task.inputs["ranks"], train, test)] if "ranks" in task.inputs else []),
            seed=task.settings["seed"],
            name=task.name,
            **how,
        )
        for task in tasks
    ]


def write(tasks: list[Member], found: list[list[dict]]) -> None:
    """To each one's table the rows that were FOUND for it."""
    for task, rows in zip(tasks, found, strict=True):
        tables.write(task.outputs["accuracy"], pd.DataFrame(rows), task.origin())
