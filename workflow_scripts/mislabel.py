"""Training images -> a classifier that learned them with a cue on some, and with true or flipped labels there."""

from saliency_benchmark import artifacts, checkpoints, classifier, devices, fitting, initialisation, progress
from saliency_benchmark.utility import cues, item_files

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
images = item_files.images(snakemake.input.images)
data, labels = cues.training(images, names.pair, names.labelling, cues.Cue(**params.cue))
told = fitting.description(params.model, names.model, data, labels)
loss = fitting.recipe(names.recipe, params.recipe)
# The settings, not the params: those tell what a file of weights holds, these where it is.
how = initialisation.beginning(snakemake.config, names.dataset, names.model, snakemake.input.pretrained)
origin = artifacts.origin(snakemake)
with checkpoints.beside(snakemake, origin) as saved:
    source, course = fitting.obtain(data, labels, told, loss, int(names.seed), params.training, saved=saved, **how)
    classifier.save(snakemake.output.model, source.classifier, told, course.curves, origin, course.facts)
