"""Maps -> the order in which they remove pixels: one rank map per image, from which every fraction follows."""

from saliency_benchmark import artifacts, progress, ranking

progress.log_to(snakemake.log[0])
origin = artifacts.origin(snakemake)
with (
    artifacts.Reader(snakemake.input.maps, artifacts.MAPS) as maps,
    artifacts.Writer(snakemake.output.ranks, artifacts.RANKS, origin) as ranks,
):
    ranking.rank(maps, ranks, unit=snakemake.wildcards.unit, seed=snakemake.params.seed, levels=snakemake.params.levels)
