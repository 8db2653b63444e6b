"""Which artifacts on disk are out of date by what they hold; Snakemake is told to make them again.

Snakemake goes by time stamps: it misses imported modules, older edits and altered files, and reruns on a mere touch.
Here every file's own record (rule, settings, code, contents of its inputs) is held against what its rule would do now.
"""

import types

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from saliency_benchmark import files, freshness, live_jobs, suitability
from saliency_benchmark.members import of as members_of

# One job makes files of several methods, probes or copies of a model: whose they are stands in their path.
BUNDLE_RULES = {f"attribute_{name}": "method" for name in BUNDLES} | {
    f"probe_{name}": "probe" for name in PROBE_BUNDLES
}
BUNDLE_RULES |= {f"{name}_shard": kind for name, kind in BUNDLE_RULES.items()}
BUNDLE_RULES["bend"] = "direction"


def expectation(path):
    """What should have made the file PATH, or None where no rule here makes it."""
    maker = next((one for one in workflow.rules if one.is_producer(path)), None)
    if maker is None:
        return None
    wildcards = maker.get_wildcards(path)
    inputs, outputs = maker.expand_input(wildcards)[0], maker.expand_output(wildcards)[0]
    params = maker.expand_params(wildcards, inputs, outputs, None)[0]
    benchmark = maker.expand_benchmark(wildcards)
    told = benchmark and str(benchmark)
    if "members" in params.keys():
        job = types.SimpleNamespace(wildcards=wildcards, params=params, input=inputs, output=outputs)
        own = next(member for member in members_of(job) if path in member.outputs.values())
        return freshness.Expected(own.rule, own.wildcards, own.settings, own.inputs, told)
    kind = BUNDLE_RULES.get(maker.name) if path.endswith(".h5") else None
    part = {kind: Path(path).parent.name} if kind else {}
    named = {name: files.listed(value) for name, value in inputs.items()}
    return freshness.Expected(maker.name, dict(wildcards) | part, dict(params.items()), named, told)


def made_before():
    """Every finished artifact that a rule here makes, and what should have made it."""
    found = (path for path in Path("results").rglob("*.*") if path.suffix in {".h5", ".csv", ".html"})
    visible = (path.as_posix() for path in found if not path.name.startswith("."))
    return {path: wanted for path in visible if (wanted := expectation(path))}


def out_of_date():
    expected, index = made_before(), freshness.Index(Path(".snakemake/saliency_benchmark.json"))
    reasons = freshness.out_of_date(expected, index)
    for path, reason in reasons.items():
        logger.info(f"out of date: {path} ({reason})")
    freshness.settle({path: wanted for path, wanted in expected.items() if path not in reasons}, index)
    index.save()
    return reasons


def refuse_beside_live_jobs():
    """Jobs that an earlier start submitted go on when it is killed: nothing may write the same files beside them."""
    try:
        jobs = live_jobs.of(Path.cwd())
    except ConnectionError as error:
        if workflow.local_exec:
            logger.warning(f"whether jobs of an earlier start still work in this folder is not known: {error}")
            return
        raise WorkflowError(f"whether jobs of an earlier start still work in this folder is not known: {error}")
    if jobs:
        raise WorkflowError(live_jobs.told(jobs))


def prepare_dag(*args, prepare=workflow._prepare_dag, **kwargs):
    """Snakemake's own step, with the artifacts that are out of date forced. There is no public place for this."""
    # Neither a dry run nor `--unlock` writes artifacts.
    if workflow.executor_plugin and not workflow.dryrun:
        refuse_beside_live_jobs()
    if unsuited := suitability.problems(config, Path(".snakemake/saliency_benchmark_suitability.json")):
        told = "\n".join(f"  - {problem}" for problem in unsuited)
        raise WorkflowError(f"the settings cannot be used:\n{told}")
    stale = out_of_date()
    # For the sake of a limit of jobs per second Snakemake looks at all ready jobs again a second after every look: with
    # some hundred jobs that takes half a core. On one machine no limit is needed.
    if workflow.local_exec and workflow.scheduling_settings:
        workflow.scheduling_settings.max_jobs_per_timespan = None
    prepared = prepare(*args, **kwargs)
    # Forced where a target needs them; `forcerun` would make them targets.
    workflow.dag.forcefiles.update(stale)
    return prepared


# A job's own Snakemake (on a cluster) does what it is told.
if workflow.is_main_process:
    workflow._prepare_dag = prepare_dag
