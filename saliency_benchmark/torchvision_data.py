"""Small data sets through torchvision's own classes, as arrays."""

import numpy as np

from saliency_benchmark import compat


def load(name: str, split: str, root: str, download: bool, number: int | None) -> dict[str, np.ndarray]:
    """The first NUMBER images (all if None) of torchvision's data set NAME in the folder ROOT.

    Raises ValueError where the files are not there.
    """
    compat.torchvision()
    from torchvision import datasets

    try:
        dataset = getattr(datasets, name)(root, train=split == "train", download=download)
    except RuntimeError as error:
        raise ValueError(
            f"{name} is not in {root!r} ({error}): put torchvision's files there, or set `download: true`"
        ) from error
    data = np.asarray(dataset.data)[:number]
    images = data[:, None] if data.ndim == 3 else data.transpose(0, 3, 1, 2)
    labels = np.asarray(dataset.targets)[:number].astype(np.int32)
    return {"data": np.ascontiguousarray(images), "label": labels, "index": np.arange(len(images), dtype=np.int32)}
