"""ROAR curves -> how far a method's variants are from the method that they are made of."""

import pandas as pd

from saliency_benchmark import artifacts, progress, roar_contrasts, tables

progress.log_to(snakemake.log[0])
params = snakemake.params
table = roar_contrasts.contrasts(pd.read_csv(snakemake.input.roar), params.pairs, params.control)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
