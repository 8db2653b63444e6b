"""A classifier and images -> one saliency map per image."""

from saliency_benchmark import artifacts, attribution, classifier, devices, progress, registry

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, origin = snakemake.params, artifacts.origin(snakemake)
model = classifier.load(snakemake.input.model)
attribute = registry.load("methods", snakemake.wildcards.method, params.method).attribute
with (
    artifacts.Reader(snakemake.input.images, artifacts.IMAGES) as images,
    artifacts.Writer(snakemake.output.maps, artifacts.MAPS, origin) as maps,
):
    attribution.explain(attribute, model, images, maps, target=params.target, options=params.method["options"])
