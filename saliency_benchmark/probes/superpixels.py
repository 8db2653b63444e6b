"""Scores while superpixels go, the most salient first: the curve of IROF (Rieger & Hansen, 2020)."""

import numpy as np
import torch

from saliency_benchmark import asking, batching, masking
from saliency_benchmark.explaining import parts


def probe(
    asked: asking.Asked, maps: torch.Tensor, *, segments: int = 50, fill: str = "mean", seed: int = 0
) -> dict[str, torch.Tensor]:
    """Reading `superpixels_gone` (image, step), scores three ways: none to all of an image's superpixels show FILL, one
    more at each step; NaN from there to the largest number of them that an image of this size can have.

    SEGMENTS: about how many each image is parted into, by its displayed colours (SLIC, `parts`). Maps count with their
    sign, channels summed, each superpixel by its mean; ties fall by SEED. One pass per superpixel and image.
    """
    colours = asked.inputs * asked.classifier.deviation[:, None, None] + asked.classifier.mean[:, None, None]
    numbers = np.stack([parts.superpixels(image, segments) for image in colours.cpu().numpy()])
    counts, most = numbers.max((1, 2)) + 1, largest(numbers[0].size, segments)
    saliency = (maps.sum(1) if maps.ndim == 4 else maps).cpu().numpy()
    rank = torch.from_numpy(_ranks(numbers, saliency, asked.index, most, seed)).to(maps.device)[:, None]
    found = maps.new_full((len(maps), most + 1, len(asking.OUTPUTS)), torch.nan)
    found[:, 0], found[np.arange(len(maps)), counts] = asked.clean, asked.ends(fill)
    numbered = np.arange(most + 1)
    images, steps = np.nonzero((numbered > 0) & (numbered < counts[:, None]))
    filled = asked.filled(fill)
    for start in range(0, len(images), batching.rows()):
        some = slice(start, start + batching.rows())
        image, step = (torch.from_numpy(each[some]).to(maps.device) for each in (images, steps))
        shown = torch.where(rank[image] < step[:, None, None, None], filled[image], asked.inputs[image])
        found[image, step] = asking.scores(asked.answer(shown), asked.targets[image])
    return asking.named("superpixels_gone", found)


def largest(pixels: int, segments: int) -> int:
    """The most superpixels that an image of so many PIXELS can have: SLIC joins those of less than half the size."""
    return min(pixels, pixels // max(1, pixels // (2 * segments)) + 1)


def _ranks(numbers: np.ndarray, saliency: np.ndarray, index: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Rank of the superpixel that each pixel lies in, 0 for the highest mean: (image, row, column)."""
    means = np.full((len(numbers), most), -np.inf)
    for mean, places, values in zip(means, numbers, saliency, strict=True):
        sizes = np.bincount(places.ravel())
        mean[: len(sizes)] = np.bincount(places.ravel(), values.ravel()) / sizes
    ranks = masking.ranks(means, index, seed).astype(np.int64)
    return np.stack([rank[places] for rank, places in zip(ranks, numbers, strict=True)])
