"""A part of a file's images, read as if it were a file of its own: what a shard of a data set is."""

from collections.abc import Sequence

import numpy as np

from saliency_benchmark import artifacts


class Rows:
    """Rows START to STOP of ARRAY on disk, sliced as needed."""

    def __init__(self, array: object, start: int, stop: int) -> None:
        self._array, self._start, self._stop = array, start, stop
        self.shape = (stop - start, *array.shape[1:])

    def __getitem__(self, place: slice) -> np.ndarray:
        first, last, _ = place.indices(self._stop - self._start)
        return self._array[self._start + first : self._start + last]


class Window:
    """The images START to STOP of READER. Raises ValueError where there is none."""

    def __init__(self, reader: artifacts.Reader, start: int, stop: int) -> None:
        self._reader, self._start, self._stop = reader, start, min(stop, len(reader))
        if self._start >= self._stop:
            raise ValueError(
                f"no images from {start} on, the file has {len(reader)}: say in the data set's options how many"
                " there are (`train`, `test`), or leave out resources.images_per_job"
            )

    def __getitem__(self, name: str) -> Rows:
        return Rows(self._reader[name], self._start, self._stop)

    def __contains__(self, name: str) -> bool:
        return name in self._reader

    def __len__(self) -> int:
        return self._stop - self._start

    def names(self) -> list[str]:
        return self._reader.names()


def part(reader: artifacts.Reader, places: Sequence[int] | None) -> "artifacts.Reader | Window":
    """The images of READER from PLACES[0] up to PLACES[1], or all of them where PLACES is None."""
    return reader if places is None else Window(reader, *places)
