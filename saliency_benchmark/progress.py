"""How far a job is: images per second and time left, in its log."""

import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType

LOGGER = logging.getLogger("saliency_benchmark")
SECONDS_BETWEEN_LINES = 2.0


def log_to(path: str | None) -> None:
    """From now on everything that this job says, warnings and its last error too, stands in the file PATH."""
    handlers = [logging.StreamHandler(sys.stderr)] if path is None else [logging.FileHandler(path, "w")]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", handlers=handlers, force=True)
    logging.captureWarnings(True)
    sys.excepthook = _note_error


def _note_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    LOGGER.error("%s: %s", kind.__name__, error, exc_info=(kind, error, trace))
    sys.__excepthook__(kind, error, trace)


class Progress:
    """Counts what is done of TOTAL units and logs the rate now and then."""

    def __init__(self, what: str, total: int, unit: str = "images") -> None:
        self._what, self._total, self._unit = what, total, unit
        self._done, self._start, self._last = 0, time.monotonic(), time.monotonic()

    def skip(self, done: int) -> None:
        """DONE units need no work: they were done before."""
        self._total -= done

    def add(self, done: int, note: str | Callable[[], str] = "") -> None:
        """DONE units more; a NOTE that costs something to tell is a function, called where a line is logged."""
        self._done += done
        now = time.monotonic()
        if now - self._last < SECONDS_BETWEEN_LINES and self._done < self._total:
            return
        self._last = now
        note = note() if callable(note) else note
        rate = self._done / max(now - self._start, 1e-9)
        left = (self._total - self._done) / rate if rate else float("inf")
        LOGGER.info(
            "%s: %d of %d %s, %.0f %s/s, %.0f s left%s",
            self._what,
            self._done,
            self._total,
            self._unit,
            rate,
            self._unit,
            left,
            note and f", {note}",
        )
