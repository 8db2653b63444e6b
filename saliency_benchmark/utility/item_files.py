"""Files of questions, of their maps by each explanation, and of items, which have both."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from saliency_benchmark import artifacts, files
from saliency_benchmark.utility import explanations

READ = ("data", "label", "index", "region")


def images(path: str | Path, number: int | None = None) -> artifacts.Arrays:
    """The first NUMBER images of the file PATH (all if not given), with their regions where it has some."""
    with artifacts.Reader(path, artifacts.IMAGES) as reader:
        return {name: reader[name][:number] for name in READ if name in reader}


def write_maps(path: str | Path, maps: np.ndarray, index: np.ndarray, origin: dict, invalid: int = 0) -> None:
    """MAPS (item, shown, row, column) of the items of the images INDEX; INVALID: values that were no finite number."""
    artifacts.write(path, artifacts.ITEM_MAPS, {"map": maps, "index": index}, origin, {"invalid": invalid})


def read_maps(path: str | Path, questions: artifacts.Arrays) -> np.ndarray:
    """The maps in PATH. Raises ValueError where they are not those of QUESTIONS."""
    found = artifacts.read(path, artifacts.ITEM_MAPS)
    if not np.array_equal(found["index"], questions["index"]):
        raise ValueError(f"{path} has the maps of other items than these questions: make it again")
    return found["map"]


def write_controls(
    paths: dict[str, str], questions: str | Path, maps: str | list[str], seed: int, origin: dict
) -> None:
    """Maps of the controls into PATHS by name; MAPS: the file of those that are shown with other images."""
    asked = artifacts.read(questions, artifacts.QUESTIONS)
    [path] = files.listed(maps)
    for name, shown in explanations.controls(asked, read_maps(path, asked), seed).items():
        write_maps(paths[name], shown, asked["index"], origin)


def write_items(path: str | Path, questions: str | Path, maps: dict[str, str], origin: dict) -> None:
    """The file of items in PATH, of QUESTIONS and of MAPS by explanation."""
    asked = artifacts.read(questions, artifacts.QUESTIONS)
    shown = {name: read_maps(each, asked) for name, each in maps.items()}
    facts = artifacts.facts(questions, artifacts.QUESTIONS)
    artifacts.write(path, artifacts.ITEMS, explanations.joined(asked, shown), origin, facts)


def read_all(questions: Sequence[str], maps: Sequence[str]) -> tuple[list[artifacts.Arrays], list[np.ndarray]]:
    """Questions about several models, and their maps by one explanation."""
    asked = [artifacts.read(path, artifacts.QUESTIONS) for path in questions]
    return asked, [read_maps(path, each) for path, each in zip(maps, asked, strict=True)]
