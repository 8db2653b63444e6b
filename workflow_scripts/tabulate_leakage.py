"""Accuracies of classifiers that saw masks alone -> one table."""

from saliency_benchmark import artifacts, progress, roar, tables

progress.log_to(snakemake.log[0])
table = tables.keyed(snakemake.input.accuracy, snakemake.params.rows, roar.LEAKAGE)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
