"""Stanford Cars (Krause et al., 2013), as torchvision wants it: `cars_train/*.jpg`, `cars_test/*.jpg`, `devkit/*.mat`.

The lists are `devkit/cars_train_annos.mat` and, beside devkit or in it, `cars_test_annos_withlabels.mat`; of each image
fname and class (from 1: labels from 0) count here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from saliency_benchmark import pictures

REGIONS = False
FILES = ("root",)
shape = pictures.shape
LISTS = {
    "train": ("devkit/cars_train_annos.mat",),
    "test": ("cars_test_annos_withlabels.mat", "devkit/cars_test_annos_withlabels.mat"),
}


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

    Raises ValueError where the list is missing, or has no classes, as that of the test images without labels.
    """
    there = [Path(root, name) for name in LISTS[split] if Path(root, name).is_file()]
    if not there:
        raise ValueError(f"there is no {Path(root, LISTS[split][0])}: give the folder with devkit/ as `root`")
    rows = np.atleast_1d(loadmat(there[0], squeeze_me=True)["annotations"])
    if "class" not in (rows.dtype.names or ()):
        raise ValueError(f"{there[0]} has no classes: the list with labels is called {Path(LISTS['test'][0]).name}")
    entries = [(Path(root, f"cars_{split}", str(row["fname"])), int(row["class"]) - 1) for row in rows]
    return pictures.blocks(entries, {"train": train, "test": test}[split], size, crop)


def classes(*, root: str, **options: object) -> list[str]:
    """Those of `devkit/cars_meta.mat`: "Acura TL Sedan 2012"; none where it is missing."""
    path = Path(root, "devkit/cars_meta.mat")
    return [str(name) for name in loadmat(path, squeeze_me=True)["class_names"]] if path.is_file() else []
