"""ROAR curves -> area scores."""

import pandas as pd

from saliency_benchmark import artifacts, progress, roar_summary, tables

progress.log_to(snakemake.log[0])
table = roar_summary.summarise(pd.read_csv(snakemake.input.roar), snakemake.params.control)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
