"""A classifier and images with regions -> a copy of it that is fine-tuned by its maps, or without them."""

from saliency_benchmark import aligning, annotations, artifacts, checkpoints, classifier  # isort: skip
from saliency_benchmark import devices, fitting, live_maps, progress

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params, origin = snakemake.wildcards, snakemake.params, artifacts.origin(snakemake)
model = classifier.load(snakemake.input.model)
told = artifacts.facts(snakemake.input.model, artifacts.MODEL)
images = annotations.chosen(snakemake.input.images, params.images)
labels = fitting.truth(images, names.recipe, params.recipe)
source = annotations.annotated(model, images, labels=labels, **params.regions)
loss = fitting.recipe(names.recipe, params.recipe)
explainer, tuning = live_maps.explainer(params.method, model), aligning.Tuning(**params.tuning)
with checkpoints.beside(snakemake, origin) as saved:
    course = aligning.align(source, loss, explainer, tuning, saved)
    classifier.save(snakemake.output.model, model, told, course.curves, origin, course.facts)
