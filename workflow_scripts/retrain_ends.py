"""Images -> accuracy after training anew with nothing removed, and with everything: the ends of every curve."""

import pandas as pd

from saliency_benchmark import artifacts, checkpoints, curve_ends, devices, fitting, progress, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
how = {"told": told, "loss": loss, "settings": params.training, "seed": params.seed, "fill": names.fill}
origin = artifacts.origin(snakemake)
with checkpoints.beside(snakemake, origin) as saved:
    rows = curve_ends.ends(train, test, saved=saved, **how)
    tables.write(snakemake.output.accuracy, pd.DataFrame(rows), origin)
