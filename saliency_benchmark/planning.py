"""What a run will take, stage by stage: jobs, hours and storage, from what the jobs of another run took."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from saliency_benchmark import needs, recorded, sizes
from saliency_benchmark.recorded import Job, Record

# What jobs must have in common to be compared, the most telling first.
LIKE = ("model", "method", "probe", "dataset", "recipe", "metric", "unit", "fill", "order", "masks")
# Stages whose files grow with images x their size; the others' with images, and a model's with neither.
BY_PIXELS, BY_IMAGES = ("prepare_images", "attribute", "rank", "recurse", "bend"), ("probe", "agree")
GIGABYTE = 1e9


@dataclass(frozen=True)
class Estimate:
    """Seconds and bytes of one job; SURE where a job of the same stage, model, and method or probe was recorded."""

    job: Job
    seconds: float
    bytes: float
    sure: bool


class Planner:
    """Told by RECORDS of a run with the settings MADE: a job takes its start, and a time that grows with its work."""

    def __init__(self, records: Sequence[Record], made: dict) -> None:
        self._records, self._made = records, made
        self._by_stage = {record.job.stage: [] for record in records}
        for record in records:
            self._by_stage[record.job.stage].append(record)
        self._start = {stage: min(record.seconds for record in found) for stage, found in self._by_stage.items()}
        torch = [seconds for stage, seconds in self._start.items() if stage in needs.ON_GPU]
        # The quickest job of all hardly does more than start.
        self._start = {stage: min([seconds, *torch]) for stage, seconds in self._start.items()}

    def estimate(self, job: Job, settings: dict) -> Estimate:
        """Of JOB in a run with SETTINGS; NaN where no job of its stage was recorded."""
        found = self._by_stage.get(job.stage)
        if not found:
            return Estimate(job, np.nan, np.nan, sure=False)
        alike = [_alike(job, record.job) for record in found]
        best = max(alike)
        nearest = [record for record, one in zip(found, alike, strict=True) if one == best]
        work, start = _work(job, settings), self._start[job.stage]
        rate = np.mean([(record.seconds - start) / _work(record.job, self._made) for record in nearest])
        size = np.mean([record.bytes / _room(record.job, self._made) for record in nearest])
        sure = all(best[: LIKE.index("probe") + 1])
        return Estimate(job, float(start + rate * work), float(size * _room(job, settings)), sure)


def table(estimates: Sequence[Estimate], settings: dict) -> pd.DataFrame:
    """By stage in the order of the work: jobs, hours, gpu_hours, gigabytes, and share of the jobs that are sure."""
    stages = dict.fromkeys(estimate.job.stage for estimate in estimates)
    rows = [
        _row(stage, [each for each in estimates if each.job.stage == stage], settings) for stage in _ordered(stages)
    ]
    found = pd.DataFrame(rows, columns=["stage", "jobs", "hours", "longest_job", "gpu_hours", "gigabytes", "sure"])
    total = {"stage": "all", "longest_job": found["longest_job"].max(), "sure": np.nan}
    total |= {name: found[name].sum() for name in ("jobs", "hours", "gpu_hours", "gigabytes")}
    return pd.concat([found, pd.DataFrame([total])], ignore_index=True)


def comparison(estimates: Sequence[Estimate], taken: Sequence[Record]) -> pd.DataFrame:
    """By stage: hours planned and taken, and planned / taken - 1, with that of all jobs together."""
    pairs = [(estimate, record) for estimate, record in zip(estimates, taken, strict=True)]
    known = [(one, record) for one, record in pairs if np.isfinite(one.seconds)]
    rows = []
    for stage in [*_ordered(dict.fromkeys(one.job.stage for one, _ in known)), "all"]:
        here = [(one, record) for one, record in known if stage in ("all", one.job.stage)]
        planned, took = (sum(values) / 3600 for values in zip(*((one.seconds, record.seconds) for one, record in here)))
        stored = sum(record.bytes for _, record in here) / GIGABYTE
        room = sum(one.bytes for one, _ in here) / GIGABYTE
        rows.append({"stage": stage, "jobs": len(here), "planned_hours": planned, "hours": took,
                     "error": planned / took - 1 if took else np.nan,
                     "planned_gigabytes": room, "gigabytes": stored})  # fmt: skip
    return pd.DataFrame(rows)


def images_per_job(estimates: Sequence[Estimate], settings: dict, hours: float) -> int | None:
    """As many images as the slowest method or probe does in HOURS; None where nothing was recorded."""
    rates = []
    for one in estimates:
        if one.job.stage in ("attribute", "probe") and np.isfinite(one.seconds):
            names = one.job.about()
            split = names.get("split", "test")
            number = sizes.images(settings, names["dataset"], split)
            number = min(number, settings["scoring"]["images"]) if one.job.stage == "probe" else number
            rates.append(one.seconds / max(1, number / int(names.get("shards", 1))))
    return max(1, int(hours * 3600 / max(rates))) if rates else None


def _row(stage: str, found: Sequence[Estimate], settings: dict) -> dict:
    seconds = np.array([each.seconds for each in found])
    hours = seconds.sum() / 3600
    gpus = settings["resources"]["gpus"] if needs.on_gpu(settings, stage) else 0
    return {
        "stage": stage,
        "jobs": len(found),
        "hours": hours,
        "longest_job": seconds.max() / 3600,
        "gpu_hours": hours * gpus,
        "gigabytes": sum(each.bytes for each in found) / GIGABYTE,
        "sure": Counter(each.sure for each in found)[True] / len(found),
    }


def _ordered(stages: dict) -> list[str]:
    order = list(dict.fromkeys(stage for stage, _, _ in recorded.FORMS))
    return sorted(stages, key=order.index)


def _alike(one: Job, other: Job) -> list[bool]:
    first, second = one.about(), other.about()
    return [first.get(name) == second.get(name) for name in LIKE]


def _work(job: Job, settings: dict) -> float:
    names = job.about()
    done = sizes.work(settings, job.stage, names, job.labels(settings))
    return max(done, 1.0) * (sizes.values(settings, names["dataset"]) if job.stage in needs.ON_GPU else 1)


def _room(job: Job, settings: dict) -> float:
    names = job.about()
    shards, files = int(names.get("shards", 1)), max(1, len(job.labels(settings))) * max(1, len(job.repeats()))
    if job.stage in BY_IMAGES:
        return files * sizes.scored(settings, names["dataset"]) / shards
    if job.stage not in BY_PIXELS:
        return 1.0
    splits = [names["split"]] if "split" in names else ["train", "test"] if job.stage == "recurse" else ["test"]
    number = sum(sizes.images(settings, names["dataset"], split) for split in splits)
    if job.stage == "bend":
        number = min(number, settings["alignment"]["test_images"])
    return files * number * sizes.values(settings, names["dataset"]) / shards
