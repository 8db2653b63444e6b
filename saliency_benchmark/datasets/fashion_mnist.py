"""Fashion-MNIST (Xiao et al., 2017): the subset that ships with the project, or all of it.

The subset has 10,000 training and 2,000 test images in turn of the classes, so any first part is balanced.
"""

import numpy as np

from saliency_benchmark import idx, torchvision_data
from saliency_benchmark.provenance import ROOT

REGIONS = False
DATA = "data/fashion_mnist"
FILES = ("root",)


def load(
    split: str, *, train: int | None = None, test: int | None = None, root: str | None = None, download: bool = False
) -> dict[str, np.ndarray]:
    """The first TRAIN or TEST images (all if not given); ROOT: torchvision's folder with the full set."""
    number = {"train": train, "test": test}[split]
    if root is not None:
        return torchvision_data.load("FashionMNIST", split, root, download, number)
    images, labels, index = (
        idx.read(ROOT / DATA / f"{split}-{part}.idx.gz")[:number] for part in ("images", "labels", "index")
    )
    return {"data": images[:, None], "label": labels.astype(np.int32), "index": index}


def shape(**options: object) -> tuple[int, int, int]:
    return 1, 28, 28
