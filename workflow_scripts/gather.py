"""Shards -> one file that looks everything up in them."""

from saliency_benchmark import artifacts, progress

progress.log_to(snakemake.log[0])
schema = {"maps": artifacts.MAPS, "readings": artifacts.READINGS}[snakemake.params.kind]
artifacts.gather(snakemake.output[0], schema, snakemake.input.parts, artifacts.origin(snakemake))
