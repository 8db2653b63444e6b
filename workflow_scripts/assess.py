"""A classifier and test images -> its accuracy and calibration on clean, masked and adversarial images."""

import pandas as pd

from saliency_benchmark import artifacts, assessment, classifier, devices, progress, tables

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
images = artifacts.read(snakemake.input.images, artifacts.IMAGES)
model = classifier.load(snakemake.input.model)
rows = assessment.assess(model, images["data"], images["label"], int(snakemake.wildcards.seed))
keys = {**snakemake.wildcards, "split": snakemake.params.split}
tables.write(snakemake.output.quality, pd.DataFrame([{**keys, **row} for row in rows]), artifacts.origin(snakemake))
