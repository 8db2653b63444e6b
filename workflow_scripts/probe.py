"""A classifier, images and their maps -> the readings that metrics ask for."""

from saliency_benchmark import artifacts, classifier, devices, probing, progress, registry

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, origin = snakemake.params, artifacts.origin(snakemake)
model = classifier.load(snakemake.input.model)
probe = registry.load("probes", snakemake.wildcards.probe, params.probe).probe
with (
    artifacts.Reader(snakemake.input.images, artifacts.IMAGES) as images,
    artifacts.Reader(snakemake.input.maps, artifacts.MAPS) as maps,
    artifacts.Writer(snakemake.output.readings, artifacts.READINGS, origin) as readings,
):
    probing.ask(probe, model, images, maps, readings, stop=params.images, options=params.probe["options"])
