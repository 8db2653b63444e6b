"""A classifier and images -> readings that no method changes."""

from saliency_benchmark import artifacts, classifier, devices, maps, probing, progress

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, origin = snakemake.params, artifacts.origin(snakemake)
model = classifier.load(snakemake.input.model)
with (
    artifacts.Reader(snakemake.input.images, artifacts.IMAGES) as images,
    maps.Readings(params.probes, snakemake.output, origin) as writers,
):
    probing.ask(probing.probes(params.probes), model, images, None, writers, **probing.choices(params.scoring))
