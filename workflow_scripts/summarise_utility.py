"""Answers of simulated users -> what they gain from maps, with a verdict."""

from saliency_benchmark import artifacts, progress, tables, utility_summary, utility_tables

progress.log_to(snakemake.log[0])
answers = utility_tables.read(snakemake.input.utility)
tables.write(snakemake.output.table, utility_summary.summarise(answers), artifacts.origin(snakemake))
