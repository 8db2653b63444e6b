"""Scores of aligned and misaligned copies -> what their difference depends on, and whether measures agree."""

from saliency_benchmark import artifacts, progress, regression, robustness_correlation, robustness_tables, tables

progress.log_to(snakemake.log[0])
scores, origin = robustness_tables.read(snakemake.input.robustness), artifacts.origin(snakemake)
tables.write(snakemake.output.regression, regression.regress(scores), origin)
tables.write(snakemake.output.correlation, robustness_correlation.correlations(scores), origin)
