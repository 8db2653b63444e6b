"""A classifier, test images and the order in which their pixels go -> its accuracy on them without retraining."""

from saliency_benchmark import artifacts, classifier, degrading, devices, files, progress, retraining, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, test = snakemake.params, artifacts.read(snakemake.input.images, artifacts.IMAGES)
model, paths = classifier.load(snakemake.input.model), files.listed(snakemake.input.ranks)
stored = {unit: artifacts.read(path, artifacts.RANKS) for unit, path in zip(params.units, paths, strict=True)}
ranks = {unit: retraining.matched(test, arrays, "test") for unit, arrays in stored.items()}
table = degrading.accuracies(model, test, ranks, keys={**snakemake.wildcards}, seed=params.seed, **params.removals)
tables.write(snakemake.output.accuracy, table, artifacts.origin(snakemake))
