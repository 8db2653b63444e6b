"""A classifier and its copies -> maps of all, how they score by the regions, and how good the classifiers are."""

from saliency_benchmark import annotations, artifacts, bending, devices, fitting, progress, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params, origin = snakemake.wildcards, snakemake.params, artifacts.origin(snakemake)
keys = {**names, **params.initialised}
models, maps = bending.by_direction(snakemake.input), bending.by_direction(snakemake.output)
images = annotations.chosen(snakemake.input.images, params.images, names.tuned)
bending.explain(models, images, params.method, maps, tuned=names.tuned, rows=params.rows, origin=origin)
tables.write(snakemake.output.robustness, bending.scores(maps, images, keys), origin)
everything = artifacts.read(snakemake.input.images, artifacts.IMAGES)
labels = fitting.truth(everything, names.recipe, params.recipe)
tables.write(snakemake.output.models, bending.qualities(models, everything["data"], labels, keys), origin)
tables.write(snakemake.output.curves, bending.curves(models, keys), origin)
