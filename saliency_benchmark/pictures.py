"""Photos on disk -> blocks of images of one size: a data set of any length passes through, none of it is held whole."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

BLOCK = 256  # images in memory at a time
BROKEN = (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError)
ENDINGS = (".jpg", ".jpeg", ".png")

Entry = tuple[Path, int]


def shape(*, size: Sequence[int] = (224, 224), **options: object) -> tuple[int, int, int]:
    """What `datasets` ask for before any image is read: (channel, row, column)."""
    return 3, *size


def lines(root: str | Path, name: str, what: str) -> list[str]:
    """The lines of the list ROOT/NAME that hold anything. Raises ValueError where it is missing: ROOT is not WHAT."""
    path = Path(root, name)
    if not path.is_file():
        raise ValueError(f"there is no {path}: give {what} as `root`")
    return [line for line in path.read_text().splitlines() if line.strip()]


def blocks(
    entries: Sequence[Entry], number: int | None, size: Sequence[int], crop: float, bottom: int = 0
) -> Iterator[dict[str, np.ndarray]]:
    """The first NUMBER (all if None) of ENTRIES (path, label) in turn of the classes, as `datasets` gives them.

    BLOCK at a time; SIZE, CROP and BOTTOM as in `read`.
    """
    chosen = in_turn(entries)[:number]
    for start in range(0, len(chosen), BLOCK):
        paths, labels = zip(*chosen[start : start + BLOCK], strict=True)
        yield {
            "data": np.stack([read(path, size, crop, bottom) for path in paths]),
            "label": np.array(labels, np.int32),
            "index": np.arange(start, start + len(paths), dtype=np.int32),
        }


def read(path: Path, size: Sequence[int], crop: float, bottom: int = 0) -> np.ndarray:
    """RGB bytes (channel, row, column) of SIZE [rows, columns]: the middle of the image, in its own proportions.

    Of the largest rectangle of SIZE's proportions the share CROP of each side is resized (bilinear, antialiased):
    0.875 is 224 of 256 pixels of the shorter side. The lowest BOTTOM rows of the image do not count. Raises ValueError
    that names the file where it is broken.
    """
    image = _opened(path)
    rows, columns = size
    height = max(1, image.height - bottom)
    scale = crop * min(height / rows, image.width / columns)
    left, top = (image.width - scale * columns) / 2, (height - scale * rows) / 2
    box = (left, top, left + scale * columns, top + scale * rows)
    return np.asarray(image.resize((columns, rows), Image.Resampling.BILINEAR, box)).transpose(2, 0, 1)


def stretched(path: Path, size: Sequence[int]) -> np.ndarray:
    """RGB bytes (channel, row, column) of SIZE [rows, columns]: all of the image, whatever its proportions (bilinear).

    Raises ValueError that names the file where it is broken.
    """
    return np.asarray(_opened(path).resize((size[1], size[0]), Image.Resampling.BILINEAR)).transpose(2, 0, 1)


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as opened:
            return opened.convert("RGB")
    except BROKEN as error:
        raise ValueError(f"{path} cannot be read as an image ({error}): repair or remove it") from error


def class_folders(*, root: str | Path, **options: object) -> list[str]:
    """What `datasets` ask for where classes are folders: names of ROOT/train/CLASS, sorted."""
    return sorted(path.name for path in Path(root, "train").glob("*") if path.is_dir())


def in_class_folders(root: str, split: str, classes: Sequence[str]) -> list[Entry]:
    """The images ROOT/SPLIT/CLASS/*: by class in the order of CLASSES, by name within a class.

    Raises ValueError where there is none, or a class folder that CLASSES do not have.
    """
    folder = Path(root, split)
    strangers = {path.name for path in folder.glob("*") if path.is_dir()} - {*classes}
    if strangers:
        raise ValueError(f"{folder} has classes that the training images have not: {', '.join(sorted(strangers)[:5])}")
    found = [(path, label) for label, name in enumerate(classes) for path in sorted(Path(folder, name).glob("*"))]
    found = [(path, label) for path, label in found if path.suffix.lower() in ENDINGS]
    if not found:
        raise ValueError(f"no images in {folder}/CLASS/: sort them into folders of their classes")
    return found


def in_turn(entries: Sequence[Entry]) -> list[Entry]:
    """ENTRIES in turn of the classes, so that any first part is balanced."""
    seen: Counter[int] = Counter()
    order = []
    for path, label in entries:
        order.append((seen[label], label, path))
        seen[label] += 1
    return [(path, label) for _, label, path in sorted(order)]
