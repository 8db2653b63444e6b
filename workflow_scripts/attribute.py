"""A classifier and images -> one saliency map per image and method."""

from saliency_benchmark import artifacts, attribution, classifier, devices, maps, preparation, progress

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, origin = snakemake.params, artifacts.origin(snakemake)
model = classifier.load(snakemake.input.model)
background = preparation.sample(snakemake.input.background, params.explain)
with (
    artifacts.Reader(snakemake.input.images, artifacts.IMAGES) as images,
    maps.Maps(params.methods, snakemake.output, origin) as writers,
):
    methods = attribution.methods(params.methods)
    choices = attribution.choices(params.explain) | {"background": background, "part": params.get("part")}
    attribution.explain(methods, model, images, writers, **choices)
