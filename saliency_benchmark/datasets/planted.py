"""Garments at random places and sizes on textured colour backgrounds: every image has an exact region of its class.

Made from the embedded Fashion-MNIST subset, one image per garment, not square. The region is where the garment's pixels
replace the background's.
"""

import numpy as np
from PIL import Image

from saliency_benchmark import seeds
from saliency_benchmark.datasets import fashion_mnist

REGIONS = True
classes = fashion_mnist.classes
# Below this grey value a garment's pixel is background: the frame of Fashion-MNIST is 0, its edges a little more.
THRESHOLD = 12


def load(
    split: str,
    *,
    train: int | None = None,
    test: int | None = None,
    rows: int = 32,
    columns: int = 48,
    smallest: int = 20,
    largest: int = 30,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """ROWS x COLUMNS pixels, RGB; the garment lies inside, its side SMALLEST to LARGEST pixels, uniformly.

    Raises ValueError where the largest garment does not fit.
    """
    if not 1 <= smallest <= largest <= min(rows, columns):
        raise ValueError(f"garments of {smallest} to {largest} pixels in {rows} x {columns}: they must fit")
    garments = fashion_mnist.load(split, train=train, test=test)
    number = len(garments["label"])
    data = np.empty((number, 3, rows, columns), np.uint8)
    region = np.empty((number, rows, columns), bool)
    for image, garment in enumerate(garments["data"][:, 0]):
        rng = seeds.rng("planted", seed, split, image)
        data[image], region[image] = _plant(garment, rng, int(rng.integers(smallest, largest + 1)), (rows, columns))
    return {"data": data, "label": garments["label"], "index": np.arange(number, dtype=np.int32), "region": region}


def shape(*, rows: int = 32, columns: int = 48, **options: object) -> tuple[int, int, int]:
    return 3, rows, columns


def _plant(
    garment: np.ndarray, rng: np.random.Generator, side: int, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """One image (channel, row, column) and its region (row, column). Integers only: the same on every machine."""
    image, region = _texture(rng, shape), np.zeros(shape, bool)
    top, left = (int(rng.integers(0, length - side + 1)) for length in shape)
    shown = np.asarray(Image.fromarray(garment).resize((side, side), Image.Resampling.BILINEAR), np.int32)
    here = (slice(top, top + side), slice(left, left + side))
    region[here] = shown > THRESHOLD
    tint = rng.integers(60, 101, 3)
    for channel, share in zip(image, tint, strict=True):
        channel[here][region[here]] = (shown * share // 100)[region[here]]
    return image.astype(np.uint8), region


def _texture(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """A colour with coarse and fine noise in each channel, (channel, row, column)."""
    size = (shape[1], shape[0])
    channels = []
    for base in rng.integers(40, 201, 3):
        noise = np.zeros(shape, np.int32)
        for cell in (6, 2):
            small = rng.integers(0, 256, (shape[0] // cell + 1, shape[1] // cell + 1), dtype=np.uint8)
            noise += np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BILINEAR), np.int32) - 128
        channels.append(np.clip(base + noise * 35 // 100, 0, 255))
    return np.stack(channels)
