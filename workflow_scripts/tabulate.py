"""Tables of parts of the run -> one table of all of it."""

from saliency_benchmark import artifacts, progress, tables

progress.log_to(snakemake.log[0])
tables.write(snakemake.output.table, tables.joined(snakemake.input.parts), artifacts.origin(snakemake))
