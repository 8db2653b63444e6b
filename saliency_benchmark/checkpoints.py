"""What a job has done so far, in a hidden file beside its artifact: a job that was killed goes on from there."""

import json
import time
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from pickle import UnpicklingError
from types import TracebackType
from typing import TypeVar

import torch

from saliency_benchmark import devices, files
from saliency_benchmark.progress import LOGGER

UNREADABLE = (OSError, RuntimeError, EOFError, KeyError, TypeError, ValueError, UnpicklingError, zipfile.BadZipFile)
# At most a twentieth of the time goes into writing, however slow the disk and large the network.
LARGEST_SHARE = 20

Found = TypeVar("Found", float, list[float], dict)


class Checkpoint:
    """The file `.NAME.checkpoint` beside the artifact PATH: the state of a training, and parts that are finished.

    ORIGIN is all that decides the artifact: a file of another origin or device, or one that is not whole, is removed
    and never read. A state is due SECONDS after the last one (0: always). After a `with` that ends well it is gone.
    """

    def __init__(self, path: str | Path, origin: dict, seconds: float = 60.0) -> None:
        self._path = Path(path).with_name(f".{Path(path).name}.checkpoint")
        decides = json.dumps([files.plain(origin), devices.name()], sort_keys=True)
        self._of = sha256(decides.encode()).hexdigest()
        self._seconds = self._pause = seconds
        self._last = time.monotonic()
        found = self._read() or {"done": {}, "part": "", "state": None}
        self._done, self._part, self._state = found["done"], found["part"], found["state"]

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._path.unlink(missing_ok=True)

    def once(self, part: str, work: Callable[[], Found]) -> Found:
        """What WORK gives, or gave before the job was killed; states saved meanwhile are those of PART.

        WORK gives what a state may hold too.
        """
        if part in self._done:
            LOGGER.info("%s was finished before", part)
            return self._done[part]
        if part != self._part:
            self._part, self._state = part, None
        self._done[part] = work()
        self._write(None)
        return self._done[part]

    def resume(self) -> dict | None:
        """The last state that was saved, once; None where there is none."""
        state, self._state = self._state, None
        return state

    def due(self) -> bool:
        return time.monotonic() - self._last >= self._pause

    def save(self, state: dict) -> None:
        """STATE: tensors, numbers and texts, in lists and dictionaries."""
        self._write(state)

    def _write(self, state: dict | None) -> None:
        start = time.monotonic()
        new = files.Atomic(self._path)
        torch.save({"of": self._of, "done": self._done, "part": self._part, "state": state}, new.part)
        new.commit()
        self._last = time.monotonic()
        self._pause = self._seconds and max(self._seconds, LARGEST_SHARE * (self._last - start))

    def _read(self) -> dict | None:
        if not self._path.exists():
            return None
        try:
            found = _whole(self._path)
            wrong = "" if found["of"] == self._of else "is of other settings, code, data or device"
        except UNREADABLE as error:
            wrong = f"cannot be read ({type(error).__name__})"
        if not wrong:
            return found
        LOGGER.info("%s %s: it is removed, and the work begins anew", self._path.name, wrong)
        self._path.unlink()
        return None


def beside(job: object, origin: dict) -> Checkpoint:
    """The checkpoint of a job's first output, written as often as its data set's training settings say."""
    training = job.config["training"] | job.config["datasets"][job.wildcards.dataset]["training"]
    return Checkpoint(job.output[0], origin, training["checkpoint"])


def once(saved: Checkpoint | None, part: str, work: Callable[[], Found]) -> Found:
    return work() if saved is None else saved.once(part, work)


def _whole(path: Path) -> dict:
    """The contents of PATH. Raises one of UNREADABLE where they are not what was written."""
    with zipfile.ZipFile(path) as file:  # torch does not look at the checksums that it writes
        if damaged := file.testzip():
            raise zipfile.BadZipFile(damaged)
    return torch.load(path, map_location="cpu", weights_only=True)
