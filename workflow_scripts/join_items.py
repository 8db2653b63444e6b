"""Questions and their maps by every explanation -> items, as people or simulated users see them."""

from saliency_benchmark import artifacts, files, progress
from saliency_benchmark.utility import item_files

progress.log_to(snakemake.log[0])
given = snakemake.input
maps = dict(zip(snakemake.params.explanations, files.listed(given.maps), strict=True))
item_files.write_items(snakemake.output.asked, given.questions, maps, artifacts.origin(snakemake))
