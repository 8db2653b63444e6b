"""ImageNet (ILSVRC 2012): `root/train/WNID/*.JPEG` and `root/val/WNID/*.JPEG`; the validation images are the test set.

Classes are the training folders' WordNet identifiers in their order, which is the official one of pretrained networks.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from saliency_benchmark import pictures

REGIONS = False
FILES = ("root",)
shape = pictures.shape
classes = pictures.class_folders
SPLITS = {"train": "train", "test": "val"}


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

    Raises ValueError where a folder is empty, as where the validation images are not sorted into class folders yet.
    """
    entries = pictures.in_class_folders(root, SPLITS[split], classes(root=root))
    return pictures.blocks(entries, {"train": train, "test": test}[split], size, crop)
