"""Files of maps -> one row per map: what tells a sound one from a broken one."""

from saliency_benchmark import artifacts, progress, tables

progress.log_to(snakemake.log[0])
table = tables.map_quality(snakemake.input.maps, snakemake.params.rows)
tables.write(snakemake.output.table, table, artifacts.origin(snakemake))
