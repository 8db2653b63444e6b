"""Benchmark saliency methods: train -> explain -> remove and retrain, align, ask users -> probe -> agree -> report."""

from pathlib import Path

from snakemake.utils import min_version

from saliency_benchmark.config import complete

min_version("9.0")

# A file given by --configfile is complete: it takes the place of config.yaml instead of being mixed with it.
if not workflow.overwrite_configfiles:

    configfile: "config.yaml" if Path("config.yaml").exists() else Path(workflow.basedir, "config.yaml")


config.update(complete(config))


# The stages, in the order in which the data runs through them.
include: "rules/common.smk"
include: "rules/resources.smk"
include: "rules/data.smk"
include: "rules/train.smk"
include: "rules/attribute.smk"
include: "rules/retraining.smk"
include: "rules/roar.smk"
include: "rules/roar_checks.smk"
include: "rules/alignment.smk"
include: "rules/utility.smk"
include: "rules/probe.smk"
include: "rules/shards.smk"
include: "rules/agreement.smk"
include: "rules/tables.smk"
include: "rules/conclusions.smk"
include: "rules/robustness.smk"
include: "rules/gains.smk"
include: "rules/report.smk"
include: "rules/freshness.smk"
include: "rules/pace.smk"
include: "rules/records.smk"


rule all:
    default_target: True
    input:
        REPORT,
