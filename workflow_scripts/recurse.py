"""Rank maps of the step before -> accuracy after removing more and training anew, and rank maps by the new network."""

import pandas as pd

from saliency_benchmark import artifacts, checkpoints, devices, fitting, progress, recursion, retraining, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params, origin = snakemake.wildcards, snakemake.params, artifacts.origin(snakemake)
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
splits = zip((train, test), snakemake.input.ranks, ("train", "test"), strict=True)
ranks = [retraining.matched(images, artifacts.read(path, artifacts.RANKS), split) for images, path, split in splits]
exact = [each.ranks() for each in ranks]
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
explainer = recursion.explaining(params.method, params.explain, snakemake.input.background)
removal = recursion.Removal(float(names.fraction), names.fill, names.unit, params.ties)
how = {"told": told, "loss": loss, "settings": params.training, "seed": params.seed, "explain": params.explain}
with checkpoints.beside(snakemake, origin) as saved:
    row, after = recursion.step(train, test, exact, removal, explainer=explainer, saved=saved, **how)
    tables.write(snakemake.output.accuracy, pd.DataFrame([row]), origin)
    artifacts.write(snakemake.output.train, artifacts.RANKS, {"level": after[0], "index": train["index"]}, origin)
    artifacts.write(snakemake.output.test, artifacts.RANKS, {"level": after[1], "index": test["index"]}, origin)
