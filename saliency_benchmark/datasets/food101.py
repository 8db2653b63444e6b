"""Food-101 (Bossard et al., 2014), the folder `food-101` of its release: `images/CLASS/*.jpg`, splits in `meta/`.

A split is `meta/SPLIT.json` (class -> names), or else `meta/SPLIT.txt` (a name in a line); a name is CLASS/NUMBER.
Classes are in the order of their names.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from saliency_benchmark import pictures

REGIONS = False
FILES = ("root",)
shape = pictures.shape


def load(
    split: str,
    *,
    root: str,
    size: Sequence[int] = (224, 224),
    crop: float = 0.875,
    train: int | None = None,
    test: int | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """The first TRAIN or TEST images (all if not given) in turn of the classes, SIZE and CROP as in `pictures.read`.

    Raises ValueError where there is no list of the split, or a listed image is missing.
    """
    known = classes(root=root)
    entries = [(Path(root, "images", f"{name}.jpg"), known.index(_class(name))) for name in _names(root, split)]
    return pictures.blocks(entries, {"train": train, "test": test}[split], size, crop)


def classes(*, root: str, **options: object) -> list[str]:
    return sorted({_class(name) for name in _names(root, "train")})


def _names(root: str, split: str) -> list[str]:
    table, lines = Path(root, "meta", f"{split}.json"), Path(root, "meta", f"{split}.txt")
    if table.is_file():
        return [name for names in json.loads(table.read_text()).values() for name in names]
    if lines.is_file():
        return lines.read_text().split()
    raise ValueError(f"there is no {table} and no {lines.name}: give the folder food-101 of the release as `root`")


def _class(name: str) -> str:
    return name.partition("/")[0]
