"""What the pages need to know of items: files of one task, read together. Their pictures are read one by one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from saliency_benchmark import artifacts
from saliency_benchmark.utility_design import SELECTION, SIMULATION


@dataclass(frozen=True)
class Item:
    """One question; `name` is its text id, `file` and `place` say where its image and maps are; `image`: a digest."""

    name: str
    file: int
    place: int
    answer: int
    difficulty: float
    training: bool
    predictions: tuple[str, ...]
    image: str


@dataclass(frozen=True)
class Items:
    task: str
    paths: tuple[Path, ...]
    explanations: tuple[str, ...]
    items: tuple[Item, ...]

    def drawn(self, names: set[str], explanations: Sequence[str]) -> Iterator[tuple[Item, dict]]:
        """The items NAMES with their arrays: image, maybe shifted, and the map (shown, row, column) per explanation."""
        for number, path in enumerate(self.paths):
            with artifacts.Reader(path, artifacts.ITEMS) as reader:
                order = _explanations(reader)
                for item in (each for each in self.items if each.file == number and each.name in names):
                    arrays = {name: reader[name][item.place] for name in ("image", "shifted") if name in reader}
                    maps = reader["map"][item.place]
                    yield item, arrays | {"maps": {name: maps[order.index(name)] for name in explanations}}


def read(paths: Sequence[str | Path], classes: Sequence[str] = ()) -> Items:
    """The items of all PATHS, which must be of one task; item 17 of the second of several files is called "2-17".

    CLASSES: names of the classes; else those in the files' facts, else numbers. Explanations: those of all files.
    Raises ValueError where the files cannot be used together, or one of them not at all.
    """
    if not paths:
        raise ValueError("no file of items: name items.h5 files of one task, which the workflow makes (docs/study.md)")
    tasks, explanations, found = [], [], []
    for number, path in enumerate(paths):
        with artifacts.Reader(path, artifacts.ITEMS) as reader:
            tasks.append(_task(path, reader))
            explanations.append(_explanations(reader))
            prefix = f"{number + 1}-" if len(paths) > 1 else ""
            found += _items(path, number, prefix, reader, list(classes))
    if len(set(tasks)) > 1:
        told = ", ".join(f"{path}: {task}" for path, task in zip(paths, tasks, strict=True))
        raise ValueError(f"a study has one task, and these files have several ({told}): build a folder for each task")
    _check_apart(found)
    shared = [name for name in explanations[0] if all(name in names for names in explanations)]
    return Items(tasks[0], tuple(Path(path) for path in paths), tuple(shared), tuple(found))


def _task(path: str | Path, reader: artifacts.Reader) -> str:
    shown, shifted = reader["prediction"].shape[1], "shifted" in reader
    if (shown, shifted) not in {(2, False), (1, True)}:
        what = f"{shown} models shown {'with' if shifted else 'without'} a shifted image"
        raise ValueError(f"{path}: {what}; wanted: two models, or one with shifted images")
    return SIMULATION if shifted else SELECTION


def _explanations(reader: artifacts.Reader) -> list[str]:
    return [name.decode() if isinstance(name, bytes) else str(name) for name in reader["explanation"][()]]


def _items(path: str | Path, number: int, prefix: str, reader: artifacts.Reader, classes: list[str]) -> Iterator[Item]:
    names = classes or list(reader.facts.get("classes", ()))
    arrays = {name: reader[name][()] for name in ("answer", "difficulty", "training", "prediction")}
    _check(path, arrays, names)
    for place, predicted in enumerate(arrays["prediction"]):
        yield Item(
            name=f"{prefix}{place}",
            file=number,
            place=place,
            answer=int(arrays["answer"][place]),
            difficulty=float(arrays["difficulty"][place]),
            training=bool(arrays["training"][place]),
            predictions=tuple(names[each] if names else f"class {each}" for each in predicted),
            image=sha256(reader["image"][place].tobytes()).hexdigest(),
        )


def _check(path: str | Path, arrays: artifacts.Arrays, classes: list[str]) -> None:
    if wrong := set(np.unique(arrays["answer"]).tolist()) - {0, 1}:
        raise ValueError(f"{path}: answers {sorted(wrong)}; wanted: 0 or 1")
    known = range(len(classes)) if classes else range(np.iinfo(np.int64).max)
    unknown = [int(each) for each in np.unique(arrays["prediction"]) if int(each) not in known]
    if unknown:
        raise ValueError(f"{path}: predicts class {unknown[0]}, of {len(classes)} named classes: name all of them")


def _check_apart(items: Sequence[Item]) -> None:
    training = {item.image: item.name for item in items if item.training}
    shared = [(training[item.image], item.name) for item in items if not item.training and item.image in training]
    if shared:
        told = f"item {shared[0][0]} in training, item {shared[0][1]} in evaluation"
        raise ValueError(f"{len(shared)} items show an image of the other phase ({told}); wanted: no image in both")
