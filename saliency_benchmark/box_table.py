"""Boxes around objects, from a table with the columns image, top, left, bottom, right; a region is their union.

`image` is a path below the folder of the images (`test/cat/a.png`). The numbers are pixels of the image as it lies on
disk, counted from 0 at the top left; a box is half-open: `bottom` is the first row below it, `right` the first column
beside it. Several rows for one image are several objects. More columns may be there.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path, PurePosixPath

import numpy as np

SIDES = ("top", "left", "bottom", "right")


@dataclass(frozen=True)
class Box:
    place: str
    top: int
    left: int
    bottom: int
    right: int


def read(path: str | Path, root: str | Path) -> dict[str, list[Box]]:
    """Boxes by image. Raises ValueError that names the line where a box is none, or its image is not below ROOT."""
    known = {file.relative_to(root).as_posix() for file in Path(root).rglob("*.*")}
    found: dict[str, list[Box]] = {}
    for place, row in _rows(Path(path)):
        image = PurePosixPath(row["image"] or "").as_posix()
        if image not in known:
            near = get_close_matches(image, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else "wanted: a path below it, such as test/CLASS/NAME.png"
            raise ValueError(f"{place}: no image {image!r} in {root}; {hint}")
        box = Box(place, *(_pixel(place, side, row[side]) for side in SIDES))
        for first, last in (("top", "bottom"), ("left", "right")):
            low, high = getattr(box, first), getattr(box, last)
            if high <= low:
                raise ValueError(f"{place}: {first} is {low}, {last} is {high}; wanted: a larger {last}")
        found.setdefault(image, []).append(box)
    return found


def region(boxes: list[Box], shape: tuple[int, int], image: str) -> np.ndarray:
    """True in any of BOXES, (row, column) of SHAPE; what of a box lies beyond the border counts nothing.

    Raises ValueError where a box lies wholly outside of IMAGE.
    """
    found = np.zeros(shape, bool)
    for box in boxes:
        part = found[max(box.top, 0) : max(box.bottom, 0), max(box.left, 0) : max(box.right, 0)]
        if not part.size:
            box_told = f"rows {box.top} to {box.bottom} and columns {box.left} to {box.right}"
            image_told = f"{image}, which has {shape[0]} rows and {shape[1]} columns"
            raise ValueError(f"{box.place}: {box_told} lie outside of {image_told}; wanted: pixels as it lies on disk")
        part[:] = True
    return found


def _rows(path: Path) -> Iterator[tuple[str, dict[str, str | None]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, skipinitialspace=True)
            columns = table.fieldnames or ()
            if missing := [name for name in ("image", *SIDES) if name not in columns]:
                has = ", ".join(columns) or "none"
                raise ValueError(f"{path} has no column {', '.join(missing)}; it has: {has}")
            for row in table:
                yield f"{path} line {table.line_num}", row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} cannot be read as a table ({error}); wanted: a CSV file in UTF-8") from error


def _pixel(place: str, side: str, text: str | None) -> int:
    try:
        number = float(text or "")
    except ValueError:
        number = float("nan")
    if not number.is_integer():
        raise ValueError(f"{place}: {side} is {text!r}; wanted: a whole number of pixels")
    return int(number)
