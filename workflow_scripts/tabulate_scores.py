"""Files of scores -> one row per score."""

from saliency_benchmark import artifacts, progress, tables

progress.log_to(snakemake.log[0])
table = tables.scores(snakemake.input.scores, snakemake.params.rows)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
