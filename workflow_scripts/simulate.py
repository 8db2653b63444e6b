"""Questions about several models, with maps by one explanation -> how simulated users answer them."""

from saliency_benchmark import artifacts, devices, files, progress, tables
from saliency_benchmark.utility import item_files, simulating

progress.log_to(snakemake.log[0])
devices.use_threads(snakemake.threads)
names, params, given = snakemake.wildcards, snakemake.params, snakemake.input
questions, maps = item_files.read_all(files.listed(given.questions), files.listed(given.maps))
models = simulating.items_of(questions, maps, params.seeds)
found = simulating.simulate(models, simulating.Users(**params.users), names.task)
tables.write(snakemake.output.table, simulating.keyed(found, dict(names)), artifacts.origin(snakemake))
