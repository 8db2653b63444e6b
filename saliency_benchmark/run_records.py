"""What ran, when, where, how long and how it ended: lines of JSON beside the artifacts, never in them."""

import json
import os
import platform
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

FOLDER = "logs/runs"  # below the folder of results
# What SLURM tells a job of itself.
SLURM = ("SLURM_JOB_ID", "SLURM_JOB_PARTITION", "SLURM_RESTART_COUNT", "CUDA_VISIBLE_DEVICES")


def where() -> dict:
    """This machine: host, cores that this process may use, memory in GiB, GPUs, system and Python."""
    found = {
        "host": socket.gethostname(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "gpus": _gpus(),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    return found | {name.lower(): os.environ[name] for name in SLURM if name in os.environ}


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Record:
    """A file of lines, one event each, named after the moment, the machine and the process that writes it.

    It is made with the first line. Where it cannot be written the run goes on without it.
    """

    def __init__(self, results: str | Path) -> None:
        self._folder, self._path, self._begun = Path(results) / FOLDER, None, {}

    def note(self, event: str, **facts: object) -> None:
        line = json.dumps({"event": event, "time": now(), **facts}, sort_keys=True, default=str)
        try:
            if self._path is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
                self._path = self._folder / f"{moment}-{socket.gethostname().split('.')[0]}-{os.getpid()}.jsonl"
            with self._path.open("a") as file:
                file.write(line + "\n")
        except OSError:
            pass

    def begin(self, job: int, **facts: object) -> None:
        """JOB begins: a number of this run, by which `end` finds it."""
        self._begun[job] = datetime.now(UTC)
        self.note("job begins", job=job, **facts)

    def end(self, job: int, success: bool) -> None:
        """JOB ended. A job that was never said to begin, or ended before, is left out."""
        if (begun := self._begun.pop(job, None)) is not None:
            seconds = (datetime.now(UTC) - begun).total_seconds()
            self.note("job ends", job=job, success=success, seconds=round(seconds, 3))


def runs(results: str | Path) -> list[list[dict]]:
    """The events of every run on record, oldest first; lines that are not whole are left out."""
    found = [list(_lines(path)) for path in sorted((Path(results) / FOLDER).glob("*.jsonl"))]
    return [events for events in found if events and events[0].get("event") == "run begins"]


def jobs(results: str | Path) -> list[dict]:
    """Every job on record: what it was to make, `start`, and, where it ended, `end`, `success` and `seconds`."""
    found = []
    for number, events in enumerate(runs(results)):
        begun: dict[int, dict] = {}
        for event in events:
            if event["event"] == "job begins":
                begun[event["job"]] = {"run": number, "host": events[0].get("host"), "start": event["time"], **event}
                found.append(begun[event["job"]])
            elif event["event"] == "job ends" and event["job"] in begun:
                told = {key: event[key] for key in ("success", "seconds")}
                begun[event["job"]].update(end=event["time"], **told)
    return found


def settings_files(results: str | Path) -> tuple[list[Path], dict] | None:
    """The files of settings of the last run on record, and the settings given beside them; None where none is."""
    told = [events[0] for events in runs(results) if "settings" in events[0]]
    if not told:
        return None
    return [Path(path) for path in told[-1]["settings"]], told[-1].get("changes", {})


def _lines(path: Path) -> Iterator[dict]:
    for line in path.read_text(errors="replace").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        if isinstance(event, dict) and "event" in event and "time" in event:
            yield event


def _gpus() -> list[str]:
    texts = [path.read_text() for path in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))]
    return [match[1].strip() for text in texts if (match := re.search(r"^Model:(.*)$", text, re.MULTILINE))]
