"""Scores of every recipe and seed under one metric -> how each recipe's alpha differs from the baseline's."""

from saliency_benchmark import artifacts, comparing, evaluation, progress, tables

progress.log_to(snakemake.log[0])
params, keys, origin = snakemake.params, dict(snakemake.wildcards), artifacts.origin(snakemake)
scores = [artifacts.read(path, artifacts.SCORES) for path in snakemake.input.scores]
runs = {(run["recipe"], str(run["seed"])): each for run, each in zip(params.runs, scores, strict=True)}
higher = evaluation.higher_is_better(keys["metric"], params.metric)
table = comparing.difference_table(runs, params.baseline, params.groups, higher, params.agreement, keys)
tables.write(snakemake.output.difference, table, origin)
