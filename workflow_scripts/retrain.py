"""Images and their rank maps -> accuracy after removing pixels from both splits and training anew."""

from saliency_benchmark import artifacts, checkpoints, devices, fitting, members, progress, retraining, retraining_jobs

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params = snakemake.wildcards, snakemake.params
train, test = (artifacts.read(path, artifacts.IMAGES) for path in (snakemake.input.train, snakemake.input.test))
told = fitting.description(params.model, names.model, train["data"], train["label"])
loss = fitting.recipe(names.recipe, params.recipe)
tasks = members.of(snakemake)
how = {name: tasks[0].settings["removal"][name] for name in ("fractions", "order", "fill")}
# The settings, not the params: how many are trained side by side changes no result.
how |= {"told": told, "loss": loss, "settings": params.training, "together": snakemake.config["roar"].get("together")}
with checkpoints.beside(snakemake, retraining_jobs.origin(tasks)) as saved:
    found = retraining.curves(train, test, retraining_jobs.parts(tasks, train, test), saved=saved, **how)
    retraining_jobs.write(tasks, found)
