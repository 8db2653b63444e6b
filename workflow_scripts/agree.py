"""What one metric reads of all methods -> scores per image, the ranking, and how far the images agree on it."""

from saliency_benchmark import artifacts, benchmark_size, evaluation, files, leaders, progress, tables

progress.log_to(snakemake.log[0])
params, keys, origin = snakemake.params, dict(snakemake.wildcards), artifacts.origin(snakemake)
sources = {kind: files.listed(snakemake.input[kind]) for kind in ("readings", "maps")}
images = snakemake.input.images
scores = evaluation.scores_of(keys["metric"], params.metric, params.methods, sources, images, params.images)
higher = evaluation.higher_is_better(keys["metric"], params.metric)
family = evaluation.family(keys["metric"], params.metric)
artifacts.write(snakemake.output.scores, artifacts.SCORES, scores, origin)
about, settings = (scores, params.groups, higher), params.agreement
tables.write(snakemake.output.summary, evaluation.summary_table(*about, settings, keys).assign(family=family), origin)
table = evaluation.agreement_table(*about, settings, keys).assign(family=family)
tables.write(snakemake.output.agreement, table, origin)
tables.write(snakemake.output.ranking, leaders.rank_table(*about, settings, keys).assign(family=family), origin)
wanted = {**settings, "probability": params.probability}
tables.write(snakemake.output.size, benchmark_size.size_table(*about, wanted, keys).assign(family=family), origin)
curve = benchmark_size.curve_table(*about, wanted, keys).assign(family=family)
tables.write(snakemake.output.curve, curve, origin)
