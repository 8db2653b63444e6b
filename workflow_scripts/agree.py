"""What one metric reads of all methods -> scores per image, the ranking, and how far the images agree on it."""

from saliency_benchmark import artifacts, evaluation, files, progress, tables

progress.log_to(snakemake.log[0])
params, keys, origin = snakemake.params, dict(snakemake.wildcards), artifacts.origin(snakemake)
sources = {kind: files.listed(snakemake.input[kind]) for kind in ("readings", "maps")}
images = snakemake.input.images
scores = evaluation.scores_of(keys["metric"], params.metric, params.methods, sources, images, params.images)
higher = evaluation.higher_is_better(keys["metric"], params.metric)
keys["family"] = evaluation.family(keys["metric"], params.metric)
artifacts.write(snakemake.output.scores, artifacts.SCORES, scores, origin)
table = evaluation.summary_table(scores, params.groups, higher, params.agreement, keys)
tables.write(snakemake.output.summary, table, origin)
table = evaluation.agreement_table(scores, params.groups, higher, params.agreement, keys)
tables.write(snakemake.output.agreement, table, origin)
