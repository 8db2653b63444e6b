"""Curves and scores of several protocols -> whether they rank the methods alike."""

from saliency_benchmark import artifacts, progress, roar_protocols, tables

progress.log_to(snakemake.log[0])
curves = roar_protocols.curve_tables(snakemake.input.curves)
table = roar_protocols.agreement(curves, roar_protocols.scores(snakemake.input.scores), snakemake.params.groups)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
