"""Cut the embedded subset from the official Fashion-MNIST files: `python cut.py FOLDER_WITH_THE_FOUR_IDX_FILES`.

The first 1,000 training and the first 200 test images of each class, in turn (class 0, 1, ... 9, 0, 1, ...), so that
any leading part of a file is balanced. `index` is the position in the official file.
"""

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

from saliency_benchmark import idx  # noqa: E402 (the library lies two folders up)

PARTS = {"train": ("train", 1000), "test": ("t10k", 200)}


def cut(folder: Path, official: str, per_class: int) -> dict[str, np.ndarray]:
    images = idx.read(folder / f"{official}-images-idx3-ubyte.gz")
    labels = idx.read(folder / f"{official}-labels-idx1-ubyte.gz")
    index = np.stack([np.flatnonzero(labels == label)[:per_class] for label in range(10)], axis=1).ravel()
    return {"images": images[index], "labels": labels[index], "index": index.astype(np.int32)}


if __name__ == "__main__":
    for split, (official, per_class) in PARTS.items():
        for name, array in cut(Path(sys.argv[1]), official, per_class).items():
            idx.write(HERE / f"{split}-{name}.idx.gz", array)
