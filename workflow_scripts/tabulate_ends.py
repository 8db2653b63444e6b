"""Accuracies after training anew with nothing removed, and with everything -> one table."""

from saliency_benchmark import artifacts, progress, roar, tables

progress.log_to(snakemake.log[0])
table = tables.keyed(snakemake.input.accuracy, snakemake.params.rows, roar.ENDS)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
