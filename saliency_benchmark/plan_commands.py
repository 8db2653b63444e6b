"""The command `plan`: what a run will take, before anything is submitted; how far a plan is from what a run took."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import yaml

from saliency_benchmark import config, planning, provenance, recorded

ABOUT = "What a run will take: jobs, hours and storage by stage, from the benchmark files of a run that was made."


def add(commands: argparse._SubParsersAction) -> None:
    part = commands.add_parser("plan", help=ABOUT, description=ABOUT)
    part.add_argument("--configfile", help="settings of the run that is planned; config.yaml if not given")
    part.add_argument("--benchmarks", default="results", help="results of the run that was made (results)")
    part.add_argument("--took", help="results of another run that was made: how far its plan is from what it took")
    part.add_argument("--hours", type=float, default=2.0, help="how long a job may take, for images_per_job (2)")
    part.add_argument("--all", action="store_true", help="plan all jobs, not only those that are left to do here")
    part.set_defaults(command=plan)


def plan(arguments: argparse.Namespace) -> None:
    planner = planning.Planner(recorded.read(arguments.benchmarks), recorded.settings(arguments.benchmarks))
    if arguments.took:
        compare(planner, arguments.took)
        return
    path = Path(arguments.configfile or "config.yaml")
    settings = config.complete(yaml.safe_load(path.read_text()) or {})
    jobs = list(planned(path, everything=arguments.all))
    heavy = [job for job in jobs if job is not None]
    estimates = [planner.estimate(job, settings) for job in heavy]
    print(shown(planning.table(estimates, settings)))
    print(f"\n{len(jobs) - len(heavy)} more jobs take seconds each. Hours are those of the device that was recorded.")
    unknown = sorted({one.job.stage for one in estimates if one.seconds != one.seconds})
    if unknown:
        print(f"Never recorded, and in no sum: {', '.join(unknown)}.")
    if number := planning.images_per_job(estimates, settings, arguments.hours):
        print(f"With resources.images_per_job: {number} no job that explains or asks takes over {arguments.hours:g} h.")


def compare(planner: planning.Planner, results: str) -> None:
    taken, settings = recorded.read(results), recorded.settings(results)
    print(shown(planning.comparison([planner.estimate(one.job, settings) for one in taken], taken)))


def planned(path: Path, everything: bool) -> Iterator[recorded.Job | None]:
    """Every job that a dry run lists; None for one that takes seconds. Raises ValueError where Snakemake refuses."""
    words = [sys.executable, "-m", "snakemake", "--snakefile", str(provenance.ROOT / "Snakefile"), "--cores", "1"]
    words += ["--dry-run", "--configfile", str(path), *(["--forceall"] if everything else [])]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"Snakemake refuses these settings:\n{done.stderr.strip() or done.stdout.strip()}")
    listed = re.split(r"^(?:local)?rule \w+:$", done.stdout + done.stderr, flags=re.MULTILINE)[1:]
    for text in listed:
        found = re.search(r"^ +benchmark: results/logs/(\S+)$", text, re.MULTILINE)
        yield recorded.job(found[1]) if found else None


def shown(table: pd.DataFrame) -> str:
    """TABLE as Markdown, numbers to three digits."""
    rows = [table.columns, ["---"] * len(table.columns), *table.itertuples(index=False)]
    return "\n".join("| " + " | ".join(_cell(value) for value in row) + " |" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if value != value else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    return str(value)
