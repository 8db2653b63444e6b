"""Fashion-MNIST (Xiao et al., 2017): the subset that ships with the project, or all of it.

The subset has 10,000 training and 2,000 test images in turn of the classes, so any first part is balanced.
"""

import numpy as np

from saliency_benchmark import idx, torchvision_data
from saliency_benchmark.provenance import ROOT

REGIONS = False
DATA = "data/fashion_mnist"
FILES = ("root",)
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


def load(
    split: str,
    *,
    train: int | None = None,
    test: int | None = None,
    root: str | None = None,
    download: bool = False,
    channels: int = 1,
) -> dict[str, np.ndarray]:
    """The first TRAIN or TEST images (all if not given); ROOT: torchvision's folder with the full set.

    CHANNELS: grey in so many of them, for a network that goes on with images of colour.
    """
    number = {"train": train, "test": test}[split]
    if root is not None:
        images = torchvision_data.load("FashionMNIST", split, root, download, number)
    else:
        data, labels, index = (
            idx.read(ROOT / DATA / f"{split}-{part}.idx.gz")[:number] for part in ("images", "labels", "index")
        )
        images = {"data": data[:, None], "label": labels.astype(np.int32), "index": index}
    return images | {"data": images["data"].repeat(channels, 1)}


def classes(**options: object) -> tuple[str, ...]:
    return CLASSES


def shape(*, channels: int = 1, **options: object) -> tuple[int, int, int]:
    return channels, 28, 28
