"""Images and their rank maps -> accuracy after removing pixels from both splits and training anew."""

from functools import partial

import pandas as pd

from saliency_benchmark import artifacts, checkpoints, devices, fitting, progress, retraining, retraining_jobs, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
tasks = retraining_jobs.tasks(snakemake, "retrain")
removals = [task.settings["removal"] for task in tasks]
how = {name: removals[0][name] for name in ("fractions", "order", "fill")}
# The settings, not the params: how many are trained side by side changes no result.
how |= {"told": told, "loss": loss, "settings": params.training, "together": snakemake.config["roar"].get("together")}
parts = [
    retraining.Part(
        task.name, partial(retraining.ranks, task.ranks, train, test), task.settings["seed"], removal.get("control")
    )
    for task, removal in zip(tasks, removals, strict=True)
]
with checkpoints.beside(snakemake, retraining_jobs.origin(tasks)) as saved:
    for task, rows in zip(tasks, retraining.curves(train, test, parts, saved=saved, **how), strict=True):
        tables.write(task.path, pd.DataFrame(rows), task.origin)
