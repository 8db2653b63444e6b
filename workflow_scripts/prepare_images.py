"""Settings -> the images of one split."""

from saliency_benchmark import artifacts, preparation, progress

progress.log_to(snakemake.log[0])
# The settings, not the params: those tell what lies in a folder, these where it is.
label = snakemake.wildcards.dataset
entry, origin = snakemake.config["datasets"][label], artifacts.origin(snakemake)
facts = {"classes": preparation.classes(label, entry)}
with artifacts.Writer(snakemake.output.images, artifacts.IMAGES, origin, facts) as images:
    preparation.write(images, snakemake.wildcards.split, label, entry)
