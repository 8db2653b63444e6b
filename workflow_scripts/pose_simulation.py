"""A classifier and test images -> questions: does its prediction stay after a shift of the image?"""

from saliency_benchmark import artifacts, classifier, devices, progress
from saliency_benchmark.utility import item_files, questions, simulation

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, drawn = snakemake.params, questions.Drawn(**snakemake.params.drawn)
model = classifier.load(snakemake.input.model)
images = item_files.images(snakemake.input.images, drawn.images)
found = simulation.ask(model, images, params.shift, drawn, params.cells, params.exact)
origin = artifacts.origin(snakemake)
facts = artifacts.facts(snakemake.input.images, artifacts.IMAGES) | {"shift": dict(params.shift)}
artifacts.write(snakemake.output.questions, artifacts.QUESTIONS, found, origin, facts)
