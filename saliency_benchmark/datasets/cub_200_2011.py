"""CUB-200-2011 (Wah et al., 2011), the folder `CUB_200_2011` of its release: `images/CLASS/*.jpg` and lists beside it.

`images.txt` (number, path), `image_class_labels.txt` (number, class from 1: labels from 0) and `train_test_split.txt`
(number, 1 for training).
"""

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

    Raises ValueError where a list is missing, or tells nothing of an image.
    """
    paths, labels, training = (
        _list(root, name) for name in ("images.txt", "image_class_labels.txt", "train_test_split.txt")
    )
    if unknown := paths.keys() - (labels.keys() & training.keys()):
        raise ValueError(f"{Path(root)}: no class or no split for image {min(unknown)} of images.txt; unpack it anew")
    chosen = [number for number in paths if (training[number] == "1") == (split == "train")]
    entries = [(Path(root, "images", paths[number]), int(labels[number]) - 1) for number in chosen]
    return pictures.blocks(entries, {"train": train, "test": test}[split], size, crop)


def classes(*, root: str, **options: object) -> list[str]:
    """By the folders of the images: "Black footed Albatross" of `001.Black_footed_Albatross`."""
    paths, labels = (_list(root, name) for name in ("images.txt", "image_class_labels.txt"))
    names = {int(labels[number]): Path(path).parent.name for number, path in paths.items()}
    return [names[number].partition(".")[2].replace("_", " ") for number in sorted(names)]


def _list(root: str, name: str) -> dict[str, str]:
    """Number of an image -> what the list NAME tells of it."""
    return dict(line.split(maxsplit=1) for line in pictures.lines(root, name, "the folder CUB_200_2011 of the release"))
