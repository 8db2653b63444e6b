"""Accuracies after each step of recursive ROAR -> the curves of all methods, from nothing removed to everything."""

from saliency_benchmark import artifacts, progress, roar, tables

progress.log_to(snakemake.log[0])
table = roar.stepwise(snakemake.input.accuracy, snakemake.input.ends, snakemake.params.rows)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
