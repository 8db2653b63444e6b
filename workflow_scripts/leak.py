"""Masks without their images -> what a classifier can tell by them alone."""

from saliency_benchmark import artifacts, checkpoints, devices, fitting, leakage, members, progress, retraining_jobs

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
how = {"told": told, "loss": loss, "settings": params.training, "fractions": params.fractions, "order": names.order}
tasks = members.of(snakemake)
with checkpoints.beside(snakemake, retraining_jobs.origin(tasks)) as saved:
    found = retraining_jobs.one_by_one(tasks, leakage.leak, train, test, saved=saved, **how)
    retraining_jobs.write(tasks, found)
