"""What each job asks of a cluster: processors, memory, time, GPUs. A local run keeps to the processors alone.

The one place for it: settings in `resources` (config.yaml), numbers in saliency_benchmark/needs.py; a profile's
set-resources goes before both.
"""

from saliency_benchmark import needs


# They take seconds: on a cluster they run where Snakemake runs.
localrules:
    tabulate,
    tabulate_scores,
    tabulate_map_quality,
    tabulate_interpolation,
    tabulate_roar,
    tabulate_ends,
    tabulate_leakage,
    tabulate_recursive_roar,
    summarise_roar,
    contrast_roar,
    agree_protocols,
    summarise_robustness,
    regress_robustness,
    control_items,
    join_items,
    summarise_utility,
    report,


# Of a job that trains a network or asks it for much.
THREADS = config["resources"]["threads"]


@functools.cache
def needed(stage, attempt, labels, *names):
    """Megabytes and minutes of a job of STAGE; NAMES: its wildcards, as pairs."""
    names = dict(names)
    return needs.memory(config, stage, names, attempt), needs.minutes(config, stage, names, labels, attempt)


def asks(stage, labels=lambda wildcards: (), repeats=()):
    """Resources of rules of STAGE; LABELS: methods or probes, and REPEATS, which decide how long a job takes."""
    more = [("repeat", f"{repeats[0]}-to-{repeats[-1]}")] if repeats else []

    def of(wildcards, attempt):
        # All shards are as large.
        names = (pair for pair in [*wildcards.items(), *more] if pair[0] != "shard")
        return needed(stage, attempt, labels(wildcards), *names)

    return {
        "mem_mb": lambda wildcards, attempt: of(wildcards, attempt)[0],
        "runtime": lambda wildcards, attempt: of(wildcards, attempt)[1],
        **needs.site(config, stage),
    }


def one_method(wildcards):
    return (wildcards.method,)


def one_explanation(wildcards):
    return (wildcards.explanation,)


def one_probe(wildcards):
    return (wildcards.probe,)
