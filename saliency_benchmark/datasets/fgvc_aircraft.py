"""FGVC-Aircraft (Maji et al., 2013), the folder `fgvc-aircraft-2013b` of its release: `data/images/*.jpg` and lists.

The lists are `data/images_LEVEL_SPLIT.txt` (name of an image, its class) and `data/variants.txt`, `families.txt` or
`manufacturers.txt`, in whose order the classes are. Training images are those of trainval. The lowest 20 rows of every
image tell whose it is: they are cut off, as its authors ask for.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from saliency_benchmark import pictures

REGIONS = False
FILES = ("root",)
shape = pictures.shape
LISTS = {"variant": "variants.txt", "family": "families.txt", "manufacturer": "manufacturers.txt"}
SPLITS = {"train": "trainval", "test": "test"}
BANNER = 20


def load(
    split: str,
    *,
    root: str,
    level: str = "variant",
    size: Sequence[int] = (224, 224),
    crop: float = 0.875,
    train: int | None = None,
    test: int | None = None,
) -> Iterator[dict[str, np.ndarray]]:
    """The first TRAIN or TEST images (all if not given) in turn of the classes, SIZE and CROP as in `pictures.read`.

    LEVEL: variant (100 classes), family (70), manufacturer (41). Raises ValueError where LEVEL is none of them, a list
    is missing, or an image is of an unknown class.
    """
    if level not in LISTS:
        raise ValueError(f"level is {level!r}; wanted: {', '.join(LISTS)}")
    places = {name: place for place, name in enumerate(classes(root=root, level=level))}
    rows = [line.split(maxsplit=1) for line in _lines(root, f"images_{level}_{SPLITS[split]}.txt")]
    if strangers := {row[-1].strip() for row in rows} - places.keys():
        raise ValueError(f"class {min(strangers)!r} is not in {Path(root, 'data', LISTS[level])}; unpack it anew")
    entries = [(Path(root, "data", "images", f"{name}.jpg"), places[label.strip()]) for name, label in rows]
    return pictures.blocks(entries, {"train": train, "test": test}[split], size, crop, bottom=BANNER)


def classes(*, root: str, level: str = "variant", **options: object) -> list[str]:
    return [name.strip() for name in _lines(root, LISTS[level])]


def _lines(root: str, name: str) -> list[str]:
    return pictures.lines(root, f"data/{name}", "the folder fgvc-aircraft-2013b of the release")
