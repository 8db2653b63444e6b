"""Images and their rank maps -> accuracy after removing pixels from both splits and training anew."""

import pandas as pd

from saliency_benchmark import artifacts, checkpoints, devices, fitting, progress, retraining, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
splits = zip((train, test), snakemake.input.ranks, ("train", "test"), strict=True)
ranks = [retraining.matched(images, artifacts.read(path, artifacts.RANKS), split) for images, path, split in splits]
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
how = {"told": told, "loss": loss, "settings": params.training, "seed": params.seed}
# The settings, not the params: how many are trained side by side changes no result.
how["together"] = snakemake.config["roar"].get("together")
origin = artifacts.origin(snakemake)
with checkpoints.beside(snakemake, origin) as saved:
    rows = retraining.retrain(train, test, ranks, saved=saved, **how, **params.removal)
    tables.write(snakemake.output.accuracy, pd.DataFrame(rows), origin)
