"""Files that one job writes side by side: maps of several methods, readings of several probes."""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack

from saliency_benchmark import artifacts, pieces


class _Files(ExitStack):
    """A writer per label, as a dict: LABELS in the order of PATHS. An error leaves none of the files behind, but
    what a long job has done so far (`pieces`).

    ORIGIN is that of the job; a file among several says which label is its own.
    """

    SCHEMA: artifacts.Schema
    WILDCARD: str

    def __init__(self, labels: Iterable[str], paths: Sequence[str], origin: dict) -> None:
        super().__init__()
        self._pairs, self._origin = list(zip(labels, paths, strict=True)), origin

    def __enter__(self) -> dict[str, pieces.Writer]:
        super().__enter__()
        return {
            label: self.enter_context(pieces.Writer(path, self.SCHEMA, self._told(label)))
            for label, path in self._pairs
        }

    def _told(self, label: str) -> dict:
        wildcards = self._origin["wildcards"] | ({self.WILDCARD: label} if len(self._pairs) > 1 else {})
        return self._origin | {"wildcards": wildcards}


class Maps(_Files):
    """Of several methods."""

    SCHEMA, WILDCARD = artifacts.MAPS, "method"


class Readings(_Files):
    """Of several probes."""

    SCHEMA, WILDCARD = artifacts.READINGS, "probe"
