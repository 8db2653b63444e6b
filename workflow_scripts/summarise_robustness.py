"""Scores of aligned and misaligned copies -> how far each pipeline bends, with a verdict."""

from saliency_benchmark import artifacts, progress, robustness, robustness_tables, tables

progress.log_to(snakemake.log[0])
scores = robustness_tables.read(snakemake.input.robustness)
models = robustness_tables.read_models(snakemake.input.models)
tables.write(snakemake.output.table, robustness.summarise(scores, models), artifacts.origin(snakemake))
