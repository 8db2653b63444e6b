"""Training images -> a trained classifier."""

from saliency_benchmark import artifacts, checkpoints, classifier, devices, fitting, initialisation, progress

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
images = artifacts.read(snakemake.input.images, artifacts.IMAGES)
labels = fitting.truth(images, names.recipe, params.recipe)
told = fitting.description(params.model, names.model, images["data"], labels)
loss = fitting.recipe(names.recipe, params.recipe)
# The settings, not the params: those tell what a file of weights holds, these where it is.
how = initialisation.beginning(snakemake.config, names.dataset, names.model, snakemake.input.pretrained)
origin = artifacts.origin(snakemake)
with checkpoints.beside(snakemake, origin) as saved:
    source, course = fitting.obtain(
        images["data"], labels, told, loss, int(names.seed), params.training, saved=saved, **how
    )
    classifier.save(snakemake.output.model, source.classifier, told, course.curves, origin, course.facts)
