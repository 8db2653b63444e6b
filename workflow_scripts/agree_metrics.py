"""Scores of one trained model under all metrics -> how far the metrics agree with each other, family by family."""

from saliency_benchmark import across_metrics, artifacts, evaluation, files, progress, tables

progress.log_to(snakemake.log[0])
params, keys, origin = snakemake.params, dict(snakemake.wildcards), artifacts.origin(snakemake)
scores = [artifacts.read(path, artifacts.SCORES) for path in files.listed(snakemake.input.scores)]
entries = params.metrics.items()
higher = [evaluation.higher_is_better(label, entry) for label, entry in entries]
runs = dict(zip(params.metrics, zip(scores, higher, strict=True), strict=True))
families = {label: evaluation.family(label, entry) for label, entry in entries}
table = across_metrics.family_table(runs, families, params.groups, params.agreement, keys)
tables.write(snakemake.output.agreement, table, origin)
