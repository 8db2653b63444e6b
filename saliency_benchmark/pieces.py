"""What a long job has written so far, in hidden files beside its artifact: a job that was killed goes on from there.

A short job writes its artifact at once. A longer one ends a piece now and then, `.NAME.piece-N.h5`, and puts them
together at its end, block by block as they came: the same bytes as without.
"""

import time
from collections.abc import Mapping
from itertools import accumulate, count, pairwise
from pathlib import Path
from types import TracebackType

import numpy as np

from saliency_benchmark import artifacts, devices, files
from saliency_benchmark.progress import LOGGER

# Seconds of work after which a piece ends, and the share of all time before it where that is more.
SECONDS, SHARE = 60.0, 0.05


class Writer:
    """As artifacts.Writer; `done` rows were written before by a job of the same ORIGIN, on the same device."""

    def __init__(self, path: str | Path, schema: artifacts.Schema, origin: dict) -> None:
        self._path, self._schema, self._origin = Path(path), schema, origin
        self.pieces: list[Path] = []
        self.done = 0

    def __enter__(self) -> "Writer":
        for number in count():
            piece = self._piece(number)
            if not piece.exists():
                break
            rows = self._rows(piece)
            if rows is None:
                LOGGER.info("%s is of other settings, code, data or device, or not whole: it is removed", piece.name)
                self._forget(number)
                break
            self.pieces.append(piece)
            self.done += rows
        self._begin()
        return self

    def append(self, **arrays: np.ndarray) -> None:
        self._writer.append(**arrays)
        self._names = list(arrays)
        self._blocks.append(len(arrays[self._names[0]]))

    def keep(self, number: int) -> None:
        """Go on after the first NUMBER pieces only: others of the same job have no more."""
        self._forget(number)
        self.pieces = self.pieces[:number]
        self.done = sum(self._rows(piece) for piece in self.pieces)

    def save(self) -> None:
        """End a piece, and begin the next."""
        self._end()
        self._begin()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None or not self.pieces:
            self._writer.__exit__(kind, error, trace)
            return
        self._end()
        with artifacts.Writer(self._path, self._schema, self._origin) as whole:
            for piece in self.pieces:
                with artifacts.Reader(piece, self._schema) as part:
                    for start, stop in _spans(part.facts["blocks"]):
                        whole.append(**{name: part[name][start:stop] for name in part.facts["names"]})
        self._forget(0)

    def _begin(self) -> None:
        self._blocks: list[int] = []
        self._names: list[str] = []
        self._writer = artifacts.Writer(self._path, self._schema, self._origin).__enter__()

    def _end(self) -> None:
        if not self._blocks:
            self._writer.__exit__(InterruptedError, None, None)
            return
        piece = self._piece(len(self.pieces))
        self._writer.end_as(piece, {"blocks": self._blocks, "names": self._names, "device": devices.name()})
        self.pieces.append(piece)

    def _piece(self, number: int) -> Path:
        return self._path.with_name(f".{self._path.stem}.piece-{number}.h5")

    def _rows(self, piece: Path) -> int | None:
        """Rows of PIECE; None where it is not this job's, or not whole."""
        noted = artifacts.record(piece)
        if noted is None or noted["origin"] != files.plain(self._origin) or not artifacts.intact(piece):
            return None
        told = artifacts.facts(piece, self._schema)
        return sum(told["blocks"]) if told["device"] == devices.name() else None

    def _forget(self, first: int) -> None:
        for piece in self._path.parent.glob(f".{self._path.stem}.piece-*.h5"):
            if int(piece.stem.rpartition("-")[2]) >= first:
                piece.unlink()


class Keeper:
    """Saves WRITERS together, when so much time has gone by that the work of it is worth a piece."""

    def __init__(self, writers: Mapping[str, object]) -> None:
        self._writers = [writer for writer in writers.values() if isinstance(writer, Writer)]
        common = min((len(writer.pieces) for writer in self._writers), default=0)
        for writer in self._writers:
            writer.keep(common)
        self.done = self._writers[0].done if self._writers else 0
        self._start = self._last = time.monotonic()
        if self.done:
            LOGGER.info("the first %d images were done before", self.done)

    def look(self) -> None:
        """To be called between blocks."""
        now = time.monotonic()
        if now - self._last >= max(SECONDS, SHARE * (now - self._start)):
            for writer in self._writers:
                writer.save()
            self._last = time.monotonic()


def _spans(lengths: list[int]) -> list[tuple[int, int]]:
    return list(pairwise(accumulate(lengths, initial=0)))
