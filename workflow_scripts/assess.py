"""A classifier and test images -> its accuracy and calibration on clean, masked and adversarial images."""

from saliency_benchmark import artifacts, assessment, classifier, devices, progress, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
images = artifacts.read(snakemake.input.images, artifacts.IMAGES)
model = classifier.load(snakemake.input.model)
answers = assessment.answers(model, images["data"], images["label"], int(snakemake.wildcards.seed))
keys = {**snakemake.wildcards, "split": snakemake.params.split}
origin = artifacts.origin(snakemake)
tables.write(snakemake.output.quality, assessment.quality(answers, images["label"], keys), origin)
tables.write(snakemake.output.calibration, assessment.diagrams(answers, images["label"], keys), origin)
