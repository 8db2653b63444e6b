"""Images from their source, checked before anything is built on them."""

from collections.abc import Iterator, Sequence

import numpy as np

from saliency_benchmark import artifacts, registry, seeds


def blocks(split: str, label: str, entry: dict) -> Iterator[artifacts.Arrays]:
    """The arrays of one split, block by block as the data set gives them, or at once.

    `index` counts the images of this file, `source` is their index where they came from. Raises ValueError where the
    data set gives something else than it should.
    """
    loaded = registry.load("datasets", label, entry).load(split, **entry["options"])
    start = 0
    for images in [loaded] if isinstance(loaded, dict) else loaded:
        if images["data"].dtype != np.uint8:
            raise ValueError(f"data set {label!r} gives {images['data'].dtype} pixels; wanted: bytes (uint8), 0 to 255")
        if len(images["label"]) and images["label"].min() < 0:
            raise ValueError(f"data set {label!r} gives the label {images['label'].min()}; labels count from 0")
        places = np.arange(start, start + len(images["label"]), dtype=np.int32)
        start += len(places)
        yield {**images, "index": places, "source": images["index"]}
    if start == 0:
        raise ValueError(f"data set {label!r} gives 0 {split} images; wanted: at least one")


def classes(label: str, entry: dict) -> list[str]:
    """Names of the classes in the order of their labels; none where the data set tells none."""
    tell = getattr(registry.load("datasets", label, entry), "classes", None)
    return [str(name) for name in tell(**entry["options"])] if callable(tell) else []


def load(split: str, label: str, entry: dict) -> artifacts.Arrays:
    """All of `blocks` in memory."""
    found = list(blocks(split, label, entry))
    return {name: np.concatenate([block[name] for block in found]) for name in found[0]}


def write(writer: artifacts.Writer, split: str, label: str, entry: dict) -> None:
    """All of `blocks` into WRITER, one in memory at a time."""
    for block in blocks(split, label, entry):
        writer.append(**block)


def sample(path: str | Sequence[str], explain: dict) -> np.ndarray | None:
    """As many images (bytes) of the file PATH as EXPLAIN wants for `background`, by a fixed seed; None without PATH."""
    if not path:
        return None
    with artifacts.Reader(path, artifacts.IMAGES) as images:
        chosen = seeds.rng("background").permutation(len(images))[: explain["background"]]
        return images["data"][np.sort(chosen)]
