"""Alpha of every trained model -> alpha on the way from one loss to the other."""

from saliency_benchmark import artifacts, interpolation, progress, tables

progress.log_to(snakemake.log[0])
table = interpolation.read(snakemake.input.agreement, snakemake.params.rows)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
