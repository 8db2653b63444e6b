"""Images of another data set side by side in a grid: one shows an object, the others none, and its cell is the region.

So the Grid Pointing Game (Böhle, Fritz and Schiele, 2021; Rao, Böhle and Schiele, 2022) has exact regions on natural
images that have no masks. There a classifier of single images is asked about several of its classes in one grid; here
it learns from grids, whose label is the one object in them: images of all other classes are distractors.
"""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

import numpy as np

from saliency_benchmark import registry, seeds

REGIONS = True
BLOCK = 256  # grids in memory at a time


def load(
    split: str,
    *,
    of: str,
    objects: Sequence[str],
    of_options: dict | None = None,
    side: int = 2,
    train: int | None = None,
    test: int | None = None,
    seed: int = 0,
) -> Iterator[dict[str, np.ndarray]]:
    """The first TRAIN or TEST grids (all if not given) of SIDE x SIDE images of the data set OF with its OF_OPTIONS.

    They go in turn of the classes OBJECTS, whose places there are the labels, as far as there are images: each shows
    the next image of its class, in a cell and beside images of other classes that chance draws by SEED. No object is in
    two grids, no image twice in one; `index` is the object's. A split's grids are of the same split of OF, which is
    held in memory. Raises ValueError where options cannot be used (`problems`), images are too few or of several sizes.
    """
    if told := list(problems(of=of, objects=objects, of_options=of_options, side=side)):
        raise ValueError("; ".join(told))
    images = _images(split, of, of_options or {})
    labels = _labels(images["label"], classes_of(of, of_options), objects)
    order, others = _in_turn(labels), np.flatnonzero(labels < 0)
    number = {"train": train, "test": test}[split]
    if number is not None and number > len(order):
        raise ValueError(f"{number} {split} grids, and {of} has {len(order)} {split} images of {', '.join(objects)}")
    if len(others) < side**2 - 1:
        raise ValueError(f"{of} has {len(others)} {split} images of other classes; wanted: {side**2 - 1} for a grid")
    shown = [_drawn(image, others, side, (seed, split, place)) for place, image in enumerate(order[:number])]
    return _blocks(images, labels, np.array(shown).reshape(-1, side**2), side)


def problems(
    *, of: str, objects: Sequence[str], of_options: dict | None = None, side: int = 2, **options: object
) -> Iterator[str]:
    """What of the options cannot be used, a sentence each, before any image is read."""
    if not isinstance(side, int) or side < 2:
        yield f"side is {side!r}; wanted: 2 or more images on a side"
    if not isinstance(objects, list | tuple):
        yield f"objects is {objects!r}; wanted: a list of names of classes"
        return
    known, asked = classes_of(of, of_options), classes(objects=objects)
    if not known:
        yield f"{of} does not tell the names of its classes: no objects can be chosen among them"
        return
    for name in dict.fromkeys(asked):
        if name not in known:
            near = get_close_matches(name, known, 1)
            yield f"objects: no class {name!r}" + (f" (did you mean {near[0]!r}?)" if near else f"; {_has(of, known)}")
        elif asked.count(name) > 1:
            yield f"objects: {name!r} is named {asked.count(name)} times; wanted: once"
    if len(asked) < 2:
        yield f"objects has {len(asked)} classes; wanted: 2 or more to tell apart"
    if not {*known} - {*asked}:
        yield f"objects: all classes of {of}, which leaves none for the other cells; wanted: some of them"


def classes(*, objects: Sequence[str], **options: object) -> list[str]:
    return [str(name) for name in objects]


def classes_of(of: str, of_options: dict | None) -> list[str]:
    """Names of the classes of the data set OF; none where it tells none."""
    tell = getattr(registry.load("datasets", of, {}), "classes", None)
    return [str(name) for name in tell(**(of_options or {}))] if tell else []


def shape(*, of: str, of_options: dict | None = None, side: int = 2, **options: object) -> tuple[int, int, int] | None:
    tell = getattr(registry.load("datasets", of, {}), "shape", None)
    found = tell and tell(**(of_options or {}))
    return found and (found[0], side * found[1], side * found[2])


def _has(of: str, known: Sequence[str]) -> str:
    return f"{of} has: {', '.join(known[:20])}{', ...' if len(known) > 20 else ''}"


def _images(split: str, of: str, options: dict) -> dict[str, np.ndarray]:
    """`data`, `label` and `index` of all images."""
    loaded = registry.load("datasets", of, {}).load(split, **options)
    blocks = [loaded] if isinstance(loaded, dict) else list(loaded)
    sizes = sorted({block["data"].shape[1:] for block in blocks})
    if len(sizes) != 1:
        raise ValueError(f"{of} has {split} images of {sizes or 'no size'}; wanted: one size, to lie side by side")
    return {name: np.concatenate([block[name] for block in blocks]) for name in ("data", "label", "index")}


def _labels(found: np.ndarray, known: Sequence[str], objects: Sequence[str]) -> np.ndarray:
    """Labels FOUND, of KNOWN classes -> the class's place among OBJECTS, or -1."""
    places = {name: place for place, name in enumerate(classes(objects=objects))}
    return np.array([places.get(name, -1) for name in known], np.int32)[found]


def _in_turn(labels: np.ndarray) -> np.ndarray:
    """Images with a label, in turn of the labels: any first part is balanced."""
    rank = np.zeros(len(labels), int)
    for label in np.unique(labels):
        rank[labels == label] = np.arange((labels == label).sum())
    order = np.lexsort((labels, rank))
    return order[labels[order] >= 0]


def _drawn(image: int, others: np.ndarray, side: int, parts: tuple) -> np.ndarray:
    """The images of a grid, cell by cell: IMAGE and those that chance, made of PARTS, draws of OTHERS."""
    rng = seeds.rng("image_grid", *parts)
    return np.insert(rng.choice(others, side**2 - 1, replace=False), rng.integers(side**2), image)


def _blocks(
    images: dict[str, np.ndarray], labels: np.ndarray, shown: np.ndarray, side: int
) -> Iterator[dict[str, np.ndarray]]:
    """Grids of the IMAGES that are SHOWN (grid, cell), from left to right and from top to bottom."""
    channels, rows, columns = images["data"].shape[1:]
    for start in range(0, len(shown), BLOCK):
        cells = shown[start : start + BLOCK]
        holds = labels[cells] >= 0
        data = images["data"][cells].reshape(-1, side, side, channels, rows, columns).transpose(0, 3, 1, 4, 2, 5)
        yield {
            "data": data.reshape(-1, channels, side * rows, side * columns),
            "label": labels[cells[holds]],
            "index": images["index"][cells[holds]],
            "region": holds.reshape(-1, side, side).repeat(rows, 1).repeat(columns, 2),
        }
