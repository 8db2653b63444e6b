"""Birdsnap 1.1 (Berg et al., 2014): `images/SPECIES/*.jpg`, `images.txt` and `test_images.txt` of the release.

`images.txt` is a table with tabs, whose columns path and species_id count here (species from 1 to 500: labels from 0);
`test_images.txt` has a path in a line after its header. Training images are all others. The images were to be fetched
from where they lay on the web, and many are gone: those that are listed and not there are left out, and counted in the
log.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from saliency_benchmark import pictures
from saliency_benchmark.progress import LOGGER

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

    Raises ValueError where a list is missing, or no listed image is there.
    """
    held_out = set(_lines(root, "test_images.txt")[1:])
    wanted = [
        (Path(root, "images", row["path"]), int(row["species_id"]) - 1)
        for row in _rows(root)
        if (row["path"] in held_out) == (split == "test")
    ]
    there = [entry for entry in wanted if entry[0].is_file()]
    if not there:
        raise ValueError(f"none of the {len(wanted)} {split} images of images.txt is in {Path(root, 'images')}")
    LOGGER.info("birdsnap, %s: %d of %d listed images are there", split, len(there), len(wanted))
    return pictures.blocks(there, {"train": train, "test": test}[split], size, crop)


def classes(*, root: str, **options: object) -> list[str]:
    """By the folders of the images: "Acadian Flycatcher" of `Acadian_Flycatcher`."""
    names = {int(row["species_id"]): Path(row["path"]).parent.name for row in _rows(root)}
    return [names[number].replace("_", " ") for number in sorted(names)]


def _rows(root: str) -> csv.DictReader:
    return csv.DictReader(_lines(root, "images.txt"), delimiter="\t", quoting=csv.QUOTE_NONE)


def _lines(root: str, name: str) -> list[str]:
    return pictures.lines(root, name, "the folder of the release, with its lists,")
