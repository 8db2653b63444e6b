"""A folder of images: `root/split/class/*.png` (or jpg), and where their objects are: masks or boxes, if at all.

Classes are the sorted names of the class folders of the *training* split. Masks lie under the same names in a parallel
tree; a mask's pixels above 127 are the region. Boxes stand in one CSV file for all splits with the columns image, top,
left, bottom, right (`box_table`): `test/cat/a.png,2,5,10,17` is rows 2 to 9, columns 5 to 16. Several rows of an image
are several objects, the region is their union; an image without a row has an empty region, which no metric scores.
"""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from saliency_benchmark import box_table, pictures

REGIONS = ("masks", "boxes")
FILES = ("root", "masks", "boxes")
classes = pictures.class_folders
ENDINGS = (".png", ".jpg", ".jpeg", ".bmp")


def load(
    split: str,
    *,
    root: str,
    masks: str | None = None,
    boxes: str | None = None,
    size: list[int] | None = None,
    train: int | None = None,
    test: int | None = None,
) -> dict[str, np.ndarray]:
    """RGB images of one size; SIZE [rows, columns] resizes them (regions: nearest); the first TRAIN or TEST.

    Raises ValueError that names the file where a folder is empty, an image is broken or of another size, a mask is
    missing, or a box does not lie in its image.
    """
    if masks is not None and boxes is not None:
        raise ValueError(f"a folder's regions come from masks ({masks}) or from boxes ({boxes}): give one of them")
    names = classes(root=root)
    strangers = {path.name for path in Path(root, split).glob("*") if path.is_dir()} - {*names}
    if strangers:
        raise ValueError(f"{Path(root, split)} has classes that train/ has not: {', '.join(sorted(strangers))}")
    found = (path for name in names for path in sorted(Path(root, split, name).glob("*")))
    paths = [path for path in found if path.suffix.lower() in ENDINGS]
    number = {"train": train, "test": test}[split]
    # In turn of the classes, so that a first part is balanced.
    turn = dict.fromkeys(names, 0)
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
        "label": np.array([names.index(path.parent.name) for path in paths], np.int32),
        "index": np.arange(len(paths), dtype=np.int32),
    }
    if masks is not None:
        found = [_mask(Path(masks) / path.relative_to(root), size) for path in paths]
        arrays["region"] = np.stack(
            [_fitting(mask, arrays["data"].shape[2:], path) for mask, path in zip(found, paths, strict=True)]
        )
    elif boxes is not None:
        table = box_table.read(boxes, root)
        arrays["region"] = np.stack([_boxed(path, path.relative_to(root), table, size) for path in paths])
    return arrays


def shape(*, size: list[int] | None = None, **options: object) -> tuple[int, int, int] | None:
    return (3, *size) if size else None


def _count(turn: dict[str, int], name: str) -> int:
    turn[name] += 1
    return turn[name]


def _picture(path: Path, mode: str, size: list[int] | None, resample: Image.Resampling) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return _resized(image.convert(mode), size, resample)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as an image ({error}): repair or remove it") from error


def _resized(image: Image.Image, size: list[int] | None, resample: Image.Resampling) -> np.ndarray:
    return np.asarray(image.resize((size[1], size[0]), resample) if size else image)


def _boxed(path: Path, name: Path, table: dict[str, list[box_table.Box]], size: list[int] | None) -> np.ndarray:
    """The region of an image: drawn at the size that it has on disk, then resized as a mask is."""
    with Image.open(path) as image:
        shape = (image.height, image.width)
    region = box_table.region(table.get(name.as_posix(), []), shape, name.as_posix())
    return _resized(Image.fromarray(region.astype(np.uint8)), size, Image.Resampling.NEAREST) > 0


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
