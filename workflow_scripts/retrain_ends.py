"""Images -> accuracy after training anew with nothing removed, and with everything: the ends of every curve."""

from saliency_benchmark import artifacts, checkpoints, curve_ends, devices, fitting, members, progress, retraining_jobs

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
how = {"told": told, "loss": loss, "settings": params.training, "fill": names.fill}
tasks = members.of(snakemake)
with checkpoints.beside(snakemake, retraining_jobs.origin(tasks)) as saved:
    found = retraining_jobs.one_by_one(tasks, curve_ends.ends, train, test, saved=saved, **how)
    retraining_jobs.write(tasks, found)
