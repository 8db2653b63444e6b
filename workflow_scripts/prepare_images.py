"""Settings -> the images of one split."""

from saliency_benchmark import artifacts, preparation, progress

progress.log_to(snakemake.log[0])
# The settings, not the params: those tell what lies in a folder, these where it is.
label = snakemake.wildcards.dataset
images = preparation.load(snakemake.wildcards.split, label, snakemake.config["datasets"][label])
artifacts.write(snakemake.output.images, artifacts.IMAGES, images, artifacts.origin(snakemake))
