"""Questions, and a method's maps -> maps of the controls: none, the oracle's, random ones, those of other images."""

from saliency_benchmark import artifacts, progress
from saliency_benchmark.utility import item_files

progress.log_to(snakemake.log[0])
given, made = snakemake.input, dict(snakemake.output.items())
origin = artifacts.origin(snakemake)
item_files.write_controls(made, given.questions, given.maps, snakemake.params.seed, origin)
