"""Masks without their images -> what a classifier can tell by them alone."""

import pandas as pd

from saliency_benchmark import artifacts, checkpoints, devices, fitting, leakage, progress, retraining, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
splits = zip((train, test), snakemake.input.ranks, ("train", "test"), strict=True)
ranks = [retraining.matched(images, artifacts.read(path, artifacts.RANKS), split) for images, path, split in splits]
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
how = {"told": told, "loss": loss, "settings": params.training, "seed": params.seed}
origin = artifacts.origin(snakemake)
with checkpoints.beside(snakemake, origin) as saved:
    rows = leakage.leak(train, test, ranks, fractions=params.fractions, order=names.order, saved=saved, **how)
    tables.write(snakemake.output.accuracy, pd.DataFrame(rows), origin)
