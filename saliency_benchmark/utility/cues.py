"""A visual cue on some images, and labels of two classes flipped where it is: how a model is mislabelled."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from saliency_benchmark import regions, seeds

OWN = "own"
SQUARE = 2  # pixels of a chequer's square


@dataclass(frozen=True)
class Cue:
    """KIND: patch, stripe, frame or own; SIZE: a share of the shorter side; SHARE of the images that carry it."""

    kind: str = "patch"
    size: float = 0.2
    share: float = 0.5
    seed: int = 0


@dataclass(frozen=True)
class Cued:
    """Images (image, channel, row, column) with the cue, the same without it, and where it is (image, row, column)."""

    data: np.ndarray
    without: np.ndarray
    region: np.ndarray


def pair_of(name: str) -> tuple[int, int]:
    """The labels of the pair called NAME, as "0-6"."""
    first, second = map(int, name.split("-"))
    return first, second


def training(images: dict[str, np.ndarray], pair: str, labelling: str, cue: Cue) -> tuple[np.ndarray, np.ndarray]:
    """Training images of which some carry the cue, and labels: true (`clean`), or PAIR's exchanged there (`flipped`).

    A cue that is drawn is drawn into images of all labels alike, so that it tells nothing of the true label. Raises
    ValueError where a label of the pair has no image that carries the cue.
    """
    labels = pair_of(pair)
    carrying = carriers(images, np.unique(images["label"]), cue, cue.share)
    flipped = carrying & np.isin(images["label"], labels)
    for label in labels:
        if not flipped[images["label"] == label].any():
            raise ValueError(f"no training image of label {label} carries the cue; utility.pairs wants others")
    data = images["data"].copy()
    data[carrying] = planted({name: array[carrying] for name, array in images.items()}, cue).data
    exchanged = np.where(flipped, sum(labels) - images["label"], images["label"])
    return data, exchanged if labelling == "flipped" else images["label"]


def carriers(images: dict[str, np.ndarray], labels: Iterable[int], cue: Cue, share: float) -> np.ndarray:
    """Which images (image) of LABELS carry the cue: of each label the same SHARE, drawn; with its own, all that do."""
    if cue.kind == OWN:
        return np.isin(images["label"], labels) & images["region"].any((1, 2))
    found = np.zeros(len(images["label"]), bool)
    for label in labels:
        members = np.flatnonzero(images["label"] == label)
        order = seeds.rng("cue", cue.seed, int(label)).permutation(members)
        found[order[: round(share * len(members))]] = True
    return found


def planted(images: dict[str, np.ndarray], cue: Cue) -> Cued:
    """IMAGES with the cue; of its own cue, the version without has the mean colour of the rest where it was."""
    if cue.kind == OWN:
        region = images["region"].astype(bool)
        return Cued(images["data"], regions.blotted(images["data"], region), region)
    shape = images["data"].shape[2:]
    rngs = (seeds.rng("cue", cue.seed, "place", int(index)) for index in images["index"])
    region = np.array([_place(cue, shape, rng) for rng in rngs], bool).reshape(-1, *shape)
    chequers = np.where(sum(np.indices(shape) // SQUARE) % 2, 255, 0).astype(np.uint8)
    return Cued(np.where(region[:, None], chequers, images["data"]), images["data"], region)


def _place(cue: Cue, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Where an image carries the cue, (row, column)."""
    length = max(SQUARE, round(cue.size * min(shape)))
    region, edge = np.zeros(shape, bool), int(rng.integers(4))
    if cue.kind == "frame":
        region[:] = True
        region[length:-length, length:-length] = False
    elif cue.kind == "stripe":
        stripes = (np.s_[:length], np.s_[-length:], np.s_[:, :length], np.s_[:, -length:])
        region[stripes[edge]] = True
    else:
        rows, columns = (slice(None, length) if side else slice(-length, None) for side in divmod(edge, 2))
        region[rows, columns] = True
    return region
