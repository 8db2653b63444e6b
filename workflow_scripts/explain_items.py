"""Models and questions about them -> maps of every model shown, by one method."""

from saliency_benchmark import artifacts, classifier, devices, files, preparation, progress
from saliency_benchmark.utility import item_files, item_maps

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, given = snakemake.params, snakemake.input
models = list(map(classifier.load, files.listed(given.models)))
questions = artifacts.read(given.questions, artifacts.QUESTIONS)
background = preparation.sample(given.background, params.explain)
maps, invalid = item_maps.explain(models, questions, params.method, params.explain, background)
origin = artifacts.origin(snakemake)
item_files.write_maps(snakemake.output.maps, maps, questions["index"], origin, invalid)
