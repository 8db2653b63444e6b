"""Jobs of this folder that a SLURM cluster still has: a second start would have them write the same files twice."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS = 60
# What Snakemake's SLURM executor notes with each job: the rule and its wildcards.
OURS = "rule_"


@dataclass(frozen=True)
class Job:
    """Its number, its state (PENDING, RUNNING, ...), and what it does: rule and wildcards."""

    number: str
    state: str
    does: str


def of(folder: str | Path) -> list[Job]:
    """Jobs in the queue that work in FOLDER, without the one that asks. None where no SLURM is installed.

    Raises ConnectionError where there is a SLURM that does not answer: then nobody knows.
    """
    if shutil.which("squeue") is None:
        return []
    words = ["squeue", "--me", "--noheader", "--format=%A|%i|%T|%Z|%k"]
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise ConnectionError(f"squeue gave no answer in {SECONDS} s") from error
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise ConnectionError(said[-1])
    return parsed(done.stdout, folder, os.environ.get("SLURM_JOB_ID"))


def parsed(listing: str, folder: str | Path, own: str | None = None) -> list[Job]:
    """Jobs of squeue's LISTING (number|id|state|folder|comment) that Snakemake submitted from FOLDER, OWN left out."""
    found = []
    for line in listing.splitlines():
        number, place, state, where, comment = line.strip().split("|", 4)
        if comment.startswith(OURS) and number != own and _same(where, folder):
            found.append(Job(place, state, comment.removeprefix(OURS).replace("_wildcards_", ": ", 1)))
    return found


def told(jobs: list[Job]) -> str:
    """What is in the way, and what to do."""
    lines = [f"  - {job.number} ({job.state.lower()}) {job.does}" for job in jobs[:20]]
    lines += [f"  - and {len(jobs) - 20} more"] if len(jobs) > 20 else []
    numbers = " ".join(job.number for job in jobs)
    return "\n".join(
        [
            "jobs of an earlier start still work in this folder, and would be submitted a second time:",
            *lines,
            "Wait until `squeue --me` shows them no more: what they make is kept. Or end them, and start again:",
            f"  scancel {numbers}",
        ]
    )


def _same(one: str | Path, other: str | Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
