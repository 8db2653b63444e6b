"""What ran, when, where and how it ended, and what each artifact was to be made from: beside the artifacts.

The first stands in results/logs/runs/, the second in results/chain.json; `python -m saliency_benchmark audit` reads both.
"""

import logging

from saliency_benchmark import lineage, run_records

RECORD = run_records.Record("results")


class Events(logging.Handler):
    """Snakemake's own events, as far as they tell of jobs, in the run's record."""

    def emit(self, record):
        event = str(getattr(record, "event", ""))
        if event == "job_info":
            told = {key: getattr(record, key) for key in ("wildcards", "threads", "output", "log")}
            RECORD.begin(record.jobid, rule=record.rule_name, **told)
        elif event in ("job_finished", "job_error"):
            RECORD.end(record.job_id if event == "job_finished" else record.jobid, event == "job_finished")


def settings_given():
    """The files that the settings were read from, and what was changed on top of them."""
    named = workflow.overwrite_configfiles or workflow.configfiles
    return {"settings": [Path(path).resolve() for path in named], "changes": dict(workflow.config_settings.config)}


def note_chain():
    lineage.note("results/chain.json", made_before(), CODES)


def note_end(success):
    note_chain()
    RECORD.note("run ends", success=success)


onstart:
    about = {"command": sys.argv[1:], "directory": Path.cwd(), "snakemake": snakemake.__version__}
    RECORD.note("run begins", **run_records.where(), **about, **settings_given())
    logger.addHandler(Events())


onsuccess:
    note_end(True)


onerror:
    note_end(False)


def prepare_and_note(*args, prepare=workflow._prepare_dag, **kwargs):
    """Snakemake's own step; where artifacts are there and no note of them, as after an upgrade, it is written."""
    done = prepare(*args, **kwargs)
    writes = workflow.executor_plugin and not workflow.dryrun
    if writes and Path(REPORT).exists() and not Path("results/chain.json").exists():
        note_chain()
    return done


if workflow.is_main_process:
    workflow._prepare_dag = prepare_and_note

# A job's own Snakemake on a cluster tells where the job is.
if not workflow.is_main_process and "SLURM_JOB_ID" in os.environ:
    RECORD.note("job is at", **run_records.where(), command=sys.argv[1:])
