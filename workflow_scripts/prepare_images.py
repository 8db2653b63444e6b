"""Settings -> the images of one split."""

from saliency_benchmark import artifacts, preparation, progress

progress.log_to(snakemake.log[0])
split, label, entry = snakemake.wildcards.split, snakemake.wildcards.dataset, snakemake.params.dataset
images = preparation.load(split, label, entry)
artifacts.write(snakemake.output.images, artifacts.IMAGES, images, artifacts.origin(snakemake))
