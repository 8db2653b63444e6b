"""A classifier, images and the maps of one method -> the readings that metrics ask for."""

from saliency_benchmark import artifacts, classifier, devices, maps, preparation, probing, progress, reexplaining

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, origin = snakemake.params, artifacts.origin(snakemake)
model = classifier.load(snakemake.input.model)
background = preparation.sample(snakemake.input.background, params.explain)
explainer = reexplaining.explainer(params.method, model, params.explain, background)
with (
    artifacts.Reader(snakemake.input.images, artifacts.IMAGES) as images,
    artifacts.Reader(snakemake.input.maps, artifacts.MAPS) as attribution,
    maps.Readings(params.probes, snakemake.output, origin) as writers,
):
    probes, choices = probing.probes(params.probes), probing.choices(params.scoring)
    part = params.get("part")
    probing.ask(probes, model, images, attribution, writers, explainer=explainer, part=part, **choices)
