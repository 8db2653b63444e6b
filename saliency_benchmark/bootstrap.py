"""Images drawn anew with replacement, and the BCa interval of whatever follows from them (Efron, 1987).

A statistic is a function of the images' weights, (sample, image) -> (sample, ...): how often a sample has each image.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from scipy import special

from saliency_benchmark import seeds

Interval = tuple[float, float]
Statistic = Callable[[np.ndarray], np.ndarray]
NONE = (float("nan"), float("nan"))
CELLS = 2**22  # of weights at a time
GROUPS = 1000  # of images that are left out at most


def interval(statistic: Statistic, images: int, *, confidence: float, resamples: int, seed: int) -> Interval:
    """BCa interval of STATISTIC (sample) over IMAGES; NaN where it is not defined.

    Statistics of the same images, with the same seed, are drawn on the same samples.
    """
    if images < 2:
        return NONE
    drawn = replicates(statistic, images, resamples, seed)
    return bca(estimate(statistic, images), drawn, left_out(statistic, images), confidence)


def estimate(statistic: Statistic, images: int) -> float | np.ndarray:
    """STATISTIC of the images as they are."""
    found = statistic(np.ones((1, images), np.float32))[0]
    return float(found) if np.ndim(found) == 0 else found


def replicates(statistic: Statistic, images: int, resamples: int, seed: int) -> np.ndarray:
    """STATISTIC of samples of as many images, drawn with replacement: (resample, ...)."""
    return np.concatenate([statistic(weights) for weights in samples(images, resamples, seed)])


def left_out(statistic: Statistic, images: int) -> np.ndarray:
    """STATISTIC without each image in turn: (image, ...); beyond 1000 images, without each of up to 1000 groups.

    Groups are of one size, but for one image, and interleaved: images of one class often follow each other.
    """
    groups = -(-images // -(-images // GROUPS))
    place, size = np.arange(images) % groups, max(1, CELLS // images)
    starts = range(0, groups, size)
    blocks = (np.arange(start, min(start + size, groups))[:, None] != place for start in starts)
    return np.concatenate([statistic(block.astype(np.float32)) for block in blocks])


def samples(images: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """How often each sample has each image, in blocks (sample, image) of float32: whole numbers, exact in products."""
    size = max(1, CELLS // images)
    for start in range(0, resamples, size):
        yield _drawn(images, min(size, resamples - start), seed, start).astype(np.float32)


@lru_cache(maxsize=32)
def _drawn(images: int, number: int, seed: int, start: int) -> np.ndarray:
    """NUMBER samples; kept, since all metrics and groups of a table draw the same ones.

    A byte suffices: above 255 images the chance to draw one of them 256 times is below 1e-500.
    """
    draws = seeds.rng("bootstrap", seed, start).integers(0, images, (number, images))
    draws += images * np.arange(number)[:, None]
    return np.bincount(draws.ravel(), minlength=number * images).reshape(number, images).astype(np.uint8)


def mean_interval(scores: np.ndarray, *, confidence: float, resamples: int, seed: int) -> Interval:
    """BCa interval of the mean over the valid images: scores (image)."""
    valid = scores[np.isfinite(scores)]
    if len(valid) < 2:
        return NONE
    without = (valid.sum() - valid) / (len(valid) - 1)
    drawn = replicates(lambda weights: weights @ valid / len(valid), len(valid), resamples, seed)
    return bca(float(valid.mean()), drawn, without, confidence)


def bca(estimate: float, replicates: np.ndarray, left_out: np.ndarray, confidence: float) -> Interval:
    """Bias-corrected and accelerated interval (Efron, 1987, eq. 6.8); NaN where the estimate is."""
    replicates, left_out = replicates[np.isfinite(replicates)], left_out[np.isfinite(left_out)]
    if not np.isfinite(estimate) or len(replicates) < 2 or len(left_out) < 2:
        return NONE
    if np.ptp(replicates) < 1e-12:
        return estimate, estimate
    # Alpha moves in steps: samples that give the estimate itself count half, however their sums were rounded.
    apart = (replicates - estimate) / np.ptp(replicates)
    below = ((apart < -1e-9).mean() + (apart <= 1e-9).mean()) / 2
    # All replicates on one side: as far out as this many of them can tell.
    bias = special.ndtri(np.clip(below, 0.5 / len(replicates), 1 - 0.5 / len(replicates)))
    spread = left_out.mean() - left_out
    scale = (spread**2).sum() ** 1.5
    acceleration = (spread**3).sum() / (6 * scale) if scale > 0 else 0.0
    quantile = special.ndtri(np.array([(1 - confidence) / 2, (1 + confidence) / 2]))
    shifted = special.ndtr(bias + (bias + quantile) / (1 - acceleration * (bias + quantile)))
    low, high = np.quantile(replicates, shifted)
    return float(low), float(high)
