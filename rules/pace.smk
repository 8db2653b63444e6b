"""What Snakemake finds out anew for every job, and is the same for all jobs of a rule: found out once.

For dry runs of thousands of jobs (benchmarks/scale.py). There is no public place for this.
"""

import inspect

import snakemake.common
import snakemake.rules
from snakemake.dag import ScriptProcessor

ASK = snakemake.common.get_function_params


@functools.cache
def parameters_of(function, bound):
    found = ASK(function)
    return dict(list(found.items())[1:]) if bound else found


def parameters(function):
    """The parameters of a function in a rule (of input, params, resources)."""
    if inspect.ismethod(function):
        return parameters_of(function.__func__, bound=True)
    return parameters_of(function, bound=False) if inspect.isfunction(function) else ASK(function)


def look_at_script(self, job, seen=set(), look=ScriptProcessor.process_job):
    """Is the script of JOB's rule there? No script here has a wildcard in its name."""
    if job.rule.name not in seen:
        look(self, job)
        seen.add(job.rule.name)


@functools.lru_cache(2**16)
def named_wildcards(*pairs, make=snakemake.rules.Wildcards):
    return make(fromdict=dict(pairs))


def wildcards_of(fromdict):
    """The wildcards of a job, for each of its functions; the same object for all of them, which only look at it."""
    return named_wildcards(*fromdict.items())


if workflow.is_main_process:
    snakemake.rules.Wildcards = wildcards_of
    snakemake.common.get_function_params = snakemake.rules.get_function_params = parameters
    ScriptProcessor.process_job = look_at_script
