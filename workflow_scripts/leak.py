"""Masks without their images -> what a classifier can tell by them alone."""

import pandas as pd

from saliency_benchmark import artifacts, checkpoints, devices, fitting, leakage, progress, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
ranks = [artifacts.read(path, artifacts.RANKS)["rank"] for path in snakemake.input.ranks]
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
how = {"told": told, "loss": loss, "settings": params.training, "seed": params.seed}
origin = artifacts.origin(snakemake)
with checkpoints.beside(snakemake, origin) as saved:
    rows = leakage.leak(train, test, ranks, fractions=params.fractions, order=names.order, saved=saved, **how)
    tables.write(snakemake.output.accuracy, pd.DataFrame(rows), origin)
