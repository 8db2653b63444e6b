"""Tables of CheXpert (Irvin et al., 2019) and outlines of CheXlocalize (Saporta et al., 2022), as they were published.

A table has a row per radiograph: `Path`, a column per label (1 present, 0 absent, -1 uncertain, empty: not mentioned),
and in some releases `Frontal/Lateral`. Outlines are JSON: {"patient1_study1_view1_frontal": {"img_size": [rows,
columns], "Edema": [[[x, y], ...], ...]}}, a list of polygons per label, in pixels of the full image.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from saliency_benchmark import pictures
from saliency_benchmark.progress import LOGGER

LABELS = (
    "No Finding",
    "Enlarged Cardiomediastinum",
    "Cardiomegaly",
    "Lung Opacity",
    "Lung Lesion",
    "Edema",
    "Consolidation",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Pleural Other",
    "Fracture",
    "Support Devices",
)
# CheXlocalize's annotators and some tables call it so.
OTHER_NAMES = {"Airspace Opacity": "Lung Opacity"}
PRESENT = {"": 0, "0": 0, "1": 1, "-1": -1}
BLOCK = 64  # radiographs in memory at a time: outlines are as large as the files


@dataclass(frozen=True)
class Radiograph:
    path: Path
    patient: str
    labels: np.ndarray  # label, bool

    @property
    def name(self) -> str:
        """As CheXlocalize calls it."""
        return "_".join([*self.path.parts[-3:-1], self.path.stem])


def table(root: str | Path, name: str, uncertain: bool = True) -> list[Radiograph]:
    """The frontal radiographs of the table ROOT/NAME, in its order; a label that is uncertain counts as UNCERTAIN.

    Raises ValueError where columns or files are missing, a value is none of 1, 0, -1 or empty, or none is frontal.
    """
    place = Path(root, name)
    if not place.is_file():
        raise ValueError(f"there is no {place}: give the folder of the release as `root`, and its tables by name")
    with place.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = {OTHER_NAMES.get(column, column): column for column in reader.fieldnames or ()}
        if missing := [column for column in ("Path", *LABELS) if column not in columns]:
            raise ValueError(f"{place} has no column {', '.join(missing)}; it has: {', '.join(columns) or 'none'}")
        rows = [(reader.line_num, row) for row in reader]
    found = [
        _radiograph(place, line, Path(root), row, columns, uncertain)
        for line, row in rows
        if row.get("Frontal/Lateral", "Frontal" if "frontal" in row["Path"] else "") == "Frontal"
    ]
    if not found:
        raise ValueError(f"{place} has {len(rows)} radiographs, none of them frontal")
    LOGGER.info("%s: %d of %d radiographs are frontal", name, len(found), len(rows))
    return found


def _radiograph(place: Path, line: int, root: Path, row: dict, columns: dict, uncertain: bool) -> Radiograph:
    values = [_value(place, line, label, row[columns[label]]) for label in LABELS]
    patient = re.search(r"patient\d+", row["Path"])
    if not patient:
        raise ValueError(f"{place} line {line}: no patient in the path {row['Path']!r}")
    labels = np.array([uncertain if value < 0 else value > 0 for value in values])
    return Radiograph(_located(place, line, root, row["Path"]), patient[0], labels)


def _value(place: Path, line: int, label: str, text: str | None) -> int:
    found = PRESENT.get((text or "").strip().removesuffix(".0"))
    if found is None:
        raise ValueError(f"{place} line {line}: {label} is {text!r}; wanted: 1, 0, -1 or nothing")
    return found


def _located(place: Path, line: int, root: Path, name: str) -> Path:
    """Where the release that was unpacked has the file: with or without the folder of all, `val` or `valid`."""
    parts = Path(name).parts
    spelt = [parts, tuple("val" if part == "valid" else part for part in parts)]
    asked = [Path(base, *each[start:]) for base in (root, place.parent) for each in spelt for start in (0, 1)]
    for path in asked:
        if path.is_file():
            return path
    raise ValueError(f"{place} line {line}: there is no file {asked[0]} or {asked[1]}; remove the row or unpack it")


def apart(train: Sequence[Radiograph], test: Sequence[Radiograph]) -> None:
    """Raise ValueError where a patient has radiographs in both."""
    both = sorted({each.patient for each in train} & {each.patient for each in test})
    if both:
        raise ValueError(f"{len(both)} patients are in both splits ({', '.join(both[:3])}); wanted: none")


def outlines(path: str | Path) -> dict[str, dict]:
    """What the file of outlines PATH has, by the radiograph's name; labels by their names here.

    Raises ValueError where it is no such file, or has a label that is not among LABELS.
    """
    try:
        told = json.loads(Path(path).read_text())
        found = {
            name: {OTHER_NAMES.get(label, label): polygons for label, polygons in each.items()}
            for name, each in told.items()
        }
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} cannot be read as outlines ({error}); wanted: CheXlocalize's JSON") from error
    for name, each in found.items():
        if strange := each.keys() - {"img_size", *LABELS}:
            raise ValueError(f"{path}: {name} has the label {sorted(strange)[0]!r}; there are: {', '.join(LABELS)}")
        if len(each.get("img_size", ())) != 2:
            raise ValueError(f"{path}: {name} has no img_size [rows, columns]")
    return found


def regions(told: dict, size: Sequence[int]) -> np.ndarray:
    """Where each label is, (label, row, column) bool of SIZE: polygons filled at the full size, then resized (nearest).

    TOLD: what `outlines` has of the radiograph, or nothing. Fewer than three points have no area.
    """
    found = np.zeros((len(LABELS), *size), bool)
    for place, label in enumerate(LABELS):
        polygons = [[tuple(point) for point in polygon] for polygon in told.get(label, ()) if len(polygon) > 2]
        if polygons:
            rows, columns = map(int, told["img_size"])
            mask = Image.new("L", (columns, rows))
            for polygon in polygons:
                ImageDraw.Draw(mask).polygon(polygon, fill=1, outline=1)
            found[place] = np.asarray(mask.resize((size[1], size[0]), Image.Resampling.NEAREST)) > 0
    return found


def blocks(
    radiographs: Sequence[Radiograph], size: Sequence[int], told: dict[str, dict] | None = None
) -> Iterator[dict[str, np.ndarray]]:
    """Radiographs as a data set gives them, BLOCK at a time, all of each stretched to SIZE.

    With TOLD (`outlines`) come the regions, of labels that are present. `label` is the first label that has a region,
    or else the first that is present, or else 0.
    """
    for start in range(0, len(radiographs), BLOCK):
        part = radiographs[start : start + BLOCK]
        labels = np.stack([each.labels for each in part])
        arrays = {
            "data": np.stack([pictures.stretched(each.path, size) for each in part]),
            "labels": labels,
            "label": labels.argmax(1).astype(np.int32),
            "index": np.arange(start, start + len(part), dtype=np.int32),
        }
        if told is not None:
            found = np.stack([regions(told.get(each.name, {}), size) for each in part]) & labels[:, :, None, None]
            there = found.any((2, 3))
            chosen = np.where(there.any(1), there.argmax(1), arrays["label"]).astype(np.int32)
            arrays |= {"label": chosen, "regions": found, "region": found[np.arange(len(part)), chosen]}
        yield arrays
