"""Pairs of a clean and a mislabelled model, test images -> questions: which of both is right on an image?"""

from saliency_benchmark import artifacts, devices, progress
from saliency_benchmark.utility import cues, item_files, questions, selection

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
params, drawn = snakemake.params, questions.Drawn(**snakemake.params.drawn)
models = selection.by_pair(params.pairs, snakemake.input.models)
images = item_files.images(snakemake.input.images, drawn.images)
found = selection.ask(models, images, cues.Cue(**params.cue), drawn)
origin = artifacts.origin(snakemake)
facts = artifacts.facts(snakemake.input.images, artifacts.IMAGES) | {"pairs": list(params.pairs)}
artifacts.write(snakemake.output.questions, artifacts.QUESTIONS, found, origin, facts)
