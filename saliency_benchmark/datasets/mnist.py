"""MNIST (LeCun et al., 1998), through torchvision, from a folder or by download."""

import numpy as np

from saliency_benchmark import torchvision_data

REGIONS = False
FILES = ("root",)


def load(
    split: str, *, root: str, download: bool = False, train: int | None = None, test: int | None = None
) -> dict[str, np.ndarray]:
    """The first TRAIN or TEST images (all if not given) from ROOT, a folder as torchvision lays it out."""
    return torchvision_data.load("MNIST", split, root, download, {"train": train, "test": test}[split])


def classes(**options: object) -> tuple[str, ...]:
    return tuple("0123456789")


def shape(**options: object) -> tuple[int, int, int]:
    return 1, 28, 28
