"""Images from their source, checked before anything is built on them."""

from collections.abc import Sequence

import numpy as np

from saliency_benchmark import artifacts, registry, seeds


def load(split: str, label: str, entry: dict) -> artifacts.Arrays:
    """The arrays of one split: `index` counts the images of this file, `source` is their index where they came from.

    Raises ValueError where the data set gives something else than it should.
    """
    images = registry.load("datasets", label, entry).load(split, **entry["options"])
    if images["data"].dtype != np.uint8:
        raise ValueError(f"data set {label!r} gives {images['data'].dtype} pixels; wanted: bytes (uint8), 0 to 255")
    if len(images["label"]) == 0 or images["label"].min() < 0:
        raise ValueError(f"data set {label!r} gives {len(images['label'])} {split} images; labels count from 0")
    places = np.arange(len(images["label"]), dtype=np.int32)
    return {**images, "index": places, "source": images["index"]}


def sample(path: str | Sequence[str], explain: dict) -> np.ndarray | None:
    """As many images (bytes) of the file PATH as EXPLAIN wants for `background`, by a fixed seed; None without PATH."""
    if not path:
        return None
    with artifacts.Reader(path, artifacts.IMAGES) as images:
        chosen = seeds.rng("background").permutation(len(images))[: explain["background"]]
        return images["data"][np.sort(chosen)]
