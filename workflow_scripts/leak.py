"""Masks without their images -> what a classifier can tell by them alone."""

import pandas as pd

from saliency_benchmark import (
    artifacts,
    checkpoints,
    devices,
    fitting,
    leakage,
    progress,
    retraining,
    retraining_jobs,
    tables,
)

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
how = {"told": told, "loss": loss, "settings": params.training, "fractions": params.fractions, "order": names.order}
tasks, found = retraining_jobs.tasks(snakemake, "leak"), []
with checkpoints.beside(snakemake, retraining_jobs.origin(tasks)) as saved:
    for task in tasks:
        ranks, own = retraining.ranks(task.ranks, train, test), {"seed": task.settings["seed"], "name": task.name}
        found.append(leakage.leak(train, test, ranks, saved=saved, **how, **own))
    for task, rows in zip(tasks, found, strict=True):
        tables.write(task.path, pd.DataFrame(rows), task.origin)
