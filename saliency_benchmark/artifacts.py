"""Every HDF5 file of the workflow: what is in it, and where it came from. The only module that knows h5py."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np

from saliency_benchmark import chunks, files
from saliency_benchmark.schemas import (
    IMAGES,
    ITEM_MAPS,
    ITEMS,
    MAPS,
    MODEL,
    QUESTIONS,
    RANKS,
    READINGS,
    SCORES,
    Arrays,
    Schema,
    agree,
    axes_of,
    check,
)

__all__ = ["IMAGES", "ITEMS", "ITEM_MAPS", "MAPS", "MODEL", "QUESTIONS", "RANKS", "READINGS", "SCORES", "Arrays",
           "Reader", "Schema", "Writer", "facts", "gather", "intact", "opened", "origin",
           "read", "record", "write"]  # fmt: skip


class Writer:
    """Write one file block by block; it appears under its own name only when whole.

    `append` takes a block of every array; blocks follow each other on the first axis. Memory holds one block. Leaving
    the `with` by an error leaves nothing behind, and a killed process leaves only a hidden `.part` file.
    """

    def __init__(self, path: str | Path, schema: Schema, origin: dict, facts: dict | None = None) -> None:
        self._schema, self._origin, self._facts = schema, origin, facts or {}
        self._target = files.Atomic(path)
        self._digests: dict[str, object] = {}

    def __enter__(self) -> "Writer":
        self._file = h5py.File(self._target.part, "w", libver="v110")
        return self

    def append(self, **arrays: np.ndarray) -> None:
        check(self._schema, arrays)
        for name, array in arrays.items():
            block = np.ascontiguousarray(array)
            dataset = self._file[name] if name in self._file else self._create(name, block)
            start = dataset.shape[0]
            dataset.resize(start + len(block), axis=0)
            dataset[start:] = block
            self._digests[name].update(block.tobytes())

    def _create(self, name: str, block: np.ndarray) -> h5py.Dataset:
        self._digests[name] = sha256(f"{name} {block.dtype.str} {block.shape[1:]}".encode())
        shape, limit = (0, *block.shape[1:]), (None, *block.shape[1:])
        return self._file.create_dataset(name, shape, block.dtype, maxshape=limit, **chunks.layout(block))

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        whole = False
        try:
            if kind is None:
                self._seal()
                whole = True
        finally:
            self._file.close()
            self._target.commit() if whole else self._target.discard()

    def end_as(self, path: Path, facts: dict) -> None:
        """End here, under another name in the same folder and with other FACTS."""
        self._target.path, self._facts = path, facts
        self.__exit__(None, None, None)

    def _seal(self) -> None:
        """The last thing that a whole file gets: what it holds, and what made it."""
        lengths = {name: self._file[name].shape[:1] for name in self._digests}
        agree({name: axes for name, axes in axes_of(self._schema).items() if name in lengths}, lengths, first=True)
        digests = {name: digest.hexdigest() for name, digest in self._digests.items()}
        _sign(self._file, self._schema, digests, self._facts, self._origin)


def write(path: str | Path, schema: Schema, arrays: Arrays, origin: dict, facts: dict | None = None) -> None:
    with Writer(path, schema, origin, facts) as writer:
        writer.append(**arrays)


def gather(path: str | Path, schema: Schema, parts: Sequence[str], origin: dict) -> None:
    """One file of the arrays of PARTS, one part after the other, without a copy: it looks them up where they lie.

    Its content is that of one file with all of it. Its parts move with it, and must stay.
    """
    target, digests = files.Atomic(path), {}
    with ExitStack() as stack:
        readers = [stack.enter_context(Reader(part, schema)) for part in parts]
        places = [os.path.relpath(part, Path(path).parent) for part in parts]
        with h5py.File(target.part, "w", libver="v110") as file:
            for name in readers[0].names():
                arrays = [reader[name] for reader in readers]
                ends = np.cumsum([len(array) for array in arrays])
                layout = h5py.VirtualLayout((ends[-1], *arrays[0].shape[1:]), arrays[0].dtype)
                for place, array, end in zip(places, arrays, ends, strict=True):
                    layout[end - len(array) : end] = h5py.VirtualSource(place, name, array.shape, array.dtype)
                file.create_virtual_dataset(name, layout)
                digests[name] = _digest(arrays)
            _sign(file, schema, digests, readers[0].facts, origin)
    target.commit()


class Reader:
    """A file opened for reading: `reader[name]` is an array on disk, sliced as needed; `blocks` walks through it.

    Raises ValueError where the file is of another kind, or not whole.
    """

    def __init__(self, path: str | Path, schema: Schema) -> None:
        self._path, self._schema = path, schema

    def __enter__(self) -> "Reader":
        self._file = opened(self._path)
        kind = self._file.attrs.get("kind")
        if kind != self._schema.kind:
            self._file.close()
            raise ValueError(f"{self._path} holds {kind!r}, not {self._schema.kind!r}")
        self.facts = json.loads(self._file.attrs.get("facts", "{}"))
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getitem__(self, name: str) -> h5py.Dataset:
        return self._file[name]

    def __contains__(self, name: str) -> bool:
        return name in self._file

    def names(self) -> list[str]:
        return sorted(self._file)

    def __len__(self) -> int:
        return len(self._file["index"])

    def blocks(self, size: int, stop: int | None = None, names: Sequence[str] | None = None) -> Iterator[Arrays]:
        """Arrays in blocks of SIZE along their first axis, up to STOP."""
        stop = len(self) if stop is None else min(stop, len(self))
        for start in range(0, stop, size):
            yield {name: self._file[name][start : min(start + size, stop)] for name in names or self.names()}


def read(path: str | Path, schema: Schema) -> Arrays:
    with Reader(path, schema) as reader:
        return {name: reader[name][()] for name in reader.names()}


def facts(path: str | Path, schema: Schema) -> dict:
    with Reader(path, schema) as reader:
        return reader.facts


def record(path: str | Path) -> dict | None:
    """What the file PATH says of itself: kind, content, origin. None where it says nothing, or is not whole."""
    if Path(path).suffix != ".h5":
        return files.record(path)
    try:
        with opened(path) as file:
            return {**{key: file.attrs[key] for key in ("kind", "content")}, "origin": json.loads(file.attrs["origin"])}
    except (ValueError, KeyError):
        return None


def intact(path: str | Path) -> bool:
    """Do the contents of PATH still have the digest that was noted when it was made?"""
    noted = record(path)
    if noted is None or Path(path).suffix != ".h5":
        return noted is not None and files.content(path) == noted["content"]
    try:
        with opened(path) as file:
            digests = {name: _digest([file[name]]) for name in file}
            return _content(digests, file.attrs["facts"]) == noted["content"]
    except (OSError, ValueError, KeyError, RuntimeError):
        return False


def origin(job: object) -> dict:
    """What made this artifact: the rule, what its name says, its settings and code, and its inputs' contents."""
    inputs = {name: [_stored_content(path) for path in files.listed(paths)] for name, paths in job.input.items()}
    return files.plain(
        {
            "rule": job.rule,
            "wildcards": dict(job.wildcards.items()),
            "settings": dict(job.params.items()),
            "inputs": inputs,
        }
    )


def _stored_content(path: str) -> str:
    noted = record(path)
    if noted is None:
        raise ValueError(f"{path} does not say what it holds: it is not whole, or not of this workflow; delete it")
    return noted["content"]


def opened(path: str | Path) -> h5py.File:
    """Raises ValueError where PATH is not a whole file."""
    try:
        # Finished files never change: no lock is needed, and some network file systems have none.
        return h5py.File(path, "r", locking=False)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ValueError(f"{path} is not a whole HDF5 file ({error}): delete it and run again") from error


def _digest(datasets: Sequence[h5py.Dataset]) -> str:
    """Of arrays of one name, one after the other."""
    digest = sha256(f"{datasets[0].name[1:]} {datasets[0].dtype.str} {datasets[0].shape[1:]}".encode())
    for dataset in datasets:
        rows = dataset.chunks[0] * 64 if dataset.chunks else chunks.rows(dataset[:1])
        for start in range(0, dataset.shape[0], rows):
            digest.update(np.ascontiguousarray(dataset[start : start + rows]).tobytes())
    return digest.hexdigest()


def _sign(file: h5py.File, schema: Schema, digests: dict[str, str], facts: dict, origin: dict) -> None:
    """What a whole FILE says of itself."""
    facts, origin = (json.dumps(part, sort_keys=True) for part in (facts, origin))
    file.attrs.update(kind=schema.kind, content=_content(digests, facts), facts=facts, origin=origin)


def _content(digests: dict[str, str], facts: str) -> str:
    return sha256("\n".join([facts, *(f"{name} {digests[name]}" for name in sorted(digests))]).encode()).hexdigest()
