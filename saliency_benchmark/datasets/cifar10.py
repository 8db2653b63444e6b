"""CIFAR-10 (Krizhevsky, 2009), through torchvision, from a folder or by download."""

import numpy as np

from saliency_benchmark import torchvision_data

REGIONS = False
FILES = ("root",)


def load(
    split: str, *, root: str, download: bool = False, train: int | None = None, test: int | None = None
) -> dict[str, np.ndarray]:
    """The first TRAIN or TEST images (all if not given) from ROOT, a folder as torchvision lays it out."""
    return torchvision_data.load("CIFAR10", split, root, download, {"train": train, "test": test}[split])


def shape(**options: object) -> tuple[int, int, int]:
    return 3, 32, 32
