"""A folder of images: `root/split/class/*.png` (or jpg), and optional masks under the same names in a parallel tree.

Classes are the sorted names of the class folders of the *training* split. A mask's pixels above 127 are the region.
"""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

REGIONS = "masks"
FILES = ("root", "masks")
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp")


def load(
    split: str,
    *,
    root: str,
    masks: str | None = None,
    size: list[int] | None = None,
    train: int | None = None,
    test: int | None = None,
) -> dict[str, np.ndarray]:
    """RGB images of one size; SIZE [rows, columns] resizes them (masks: nearest); the first TRAIN or TEST.

    Raises ValueError that names the file where a folder is empty, an image is broken or of another size, or a mask is
    missing.
    """
    classes = sorted(path.name for path in Path(root, "train").glob("*") if path.is_dir())
    strangers = {path.name for path in Path(root, split).glob("*") if path.is_dir()} - {*classes}
    if strangers:
        raise ValueError(f"{Path(root, split)} has classes that train/ has not: {', '.join(sorted(strangers))}")
    found = (path for name in classes for path in sorted(Path(root, split, name).glob("*")))
    paths = [path for path in found if path.suffix.lower() in ENDINGS]
    number = {"train": train, "test": test}[split]
    # In turn of the classes, so that a first part is balanced.
    turn = dict.fromkeys(classes, 0)
    paths = sorted(paths, key=lambda path: (_count(turn, path.parent.name), path.parent.name))[:number]
    if not paths:
        raise ValueError(f"no images in {Path(root, split)}; wanted: {root}/{split}/CLASS/*.png, classes as in train/")
    images = [_picture(path, "RGB", size, Image.Resampling.BILINEAR) for path in paths]
    for path, image in zip(paths, images, strict=True):
        if image.shape != images[0].shape:
            sizes = f"{image.shape[:2]}, {paths[0]} is {images[0].shape[:2]}"
            raise ValueError(f"{path} is {sizes} pixels large: give `size: [rows, columns]`")
    arrays = {
        "data": np.ascontiguousarray(np.stack(images).transpose(0, 3, 1, 2)),
        "label": np.array([classes.index(path.parent.name) for path in paths], np.int32),
        "index": np.arange(len(paths), dtype=np.int32),
    }
    if masks is not None:
        found = [_mask(Path(masks) / path.relative_to(root), size) for path in paths]
        arrays["region"] = np.stack(
            [_fitting(mask, arrays["data"].shape[2:], path) for mask, path in zip(found, paths, strict=True)]
        )
    return arrays


def shape(*, size: list[int] | None = None, **options: object) -> tuple[int, int, int] | None:
    return (3, *size) if size else None


def _count(turn: dict[str, int], name: str) -> int:
    turn[name] += 1
    return turn[name]


def _picture(path: Path, mode: str, size: list[int] | None, resample: Image.Resampling) -> np.ndarray:
    try:
        with Image.open(path) as image:
            shown = image.convert(mode)
            return np.asarray(shown.resize((size[1], size[0]), resample) if size else shown)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as an image ({error}): repair or remove it") from error


def _mask(path: Path, size: list[int] | None) -> np.ndarray:
    endings = [form for ending in ENDINGS for form in (ending, ending.upper())]
    found = [path.with_suffix(ending) for ending in (path.suffix, *endings) if path.with_suffix(ending).exists()]
    if not found:
        raise ValueError(f"no mask {path} (or another ending) for an image: every image wants one")
    return _picture(found[0], "L", size, Image.Resampling.NEAREST) > 127


def _fitting(mask: np.ndarray, shape: tuple[int, int], path: Path) -> np.ndarray:
    if mask.shape != shape:
        raise ValueError(f"the mask of {path} has shape {mask.shape}, its image {shape}: give `size`, or mend the mask")
    return mask
