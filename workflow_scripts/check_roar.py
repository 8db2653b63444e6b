"""Nothing -> the curves of ROAR on 16 entries of which the truth is known."""

from saliency_benchmark import artifacts, progress, roar_check, tables

progress.log_to(snakemake.log[0])
tables.write(snakemake.output.table, roar_check.table(), artifacts.origin(snakemake))
