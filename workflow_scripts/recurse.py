"""Rank maps of the step before -> accuracy after removing more and training anew, and rank maps by the new network."""

from saliency_benchmark import artifacts, checkpoints, devices, fitting, members, progress, recursion, retraining_jobs

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
removal = recursion.Removal(float(names.fraction), names.fill, names.unit, params.ties)
how = {"told": told, "loss": loss, "settings": params.training}
tasks = members.of(snakemake)
with checkpoints.beside(snakemake, retraining_jobs.origin(tasks)) as saved:
    recursion.steps(tasks, train, test, removal, saved=saved, **how)
