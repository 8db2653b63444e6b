"""Scores of maps by a metric of ours and by Quantus, and cases to compare them on: for metrics that see maps alone."""

import inspect
import warnings

import numpy as np

from saliency_benchmark import compat, registry

IMAGES, SHAPE = 12, (7, 10)


def score(name, maps, regions=None, index=None, **options):
    """Scores of MAPS by the metric NAME, which takes what it names."""
    metric = registry.load("metrics", name, {}).score
    maps = np.asarray(maps)
    given = {"maps": maps, "regions": regions, "index": np.arange(len(maps)) if index is None else index}
    known = inspect.signature(metric).parameters
    return metric(**{name: value for name, value in given.items() if name in known}, **options)


def quantus(name, maps, regions=None, **options):
    """Scores of MAPS (image, [channel], row, column) by the class NAME of Quantus, all in one call."""
    maps = np.asarray(maps)
    images = maps if maps.ndim == 4 else maps[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compat.torchvision()
        import quantus as library

        metric = getattr(library, name)(disable_warnings=True, **options)
        masks = {} if regions is None else {"s_batch": regions[:, None]}
        labels = np.zeros(len(maps), int)
        found = metric(model=None, x_batch=images, y_batch=labels, a_batch=images.copy(), **masks)
    return np.array(found, float)


def noise(seed=0, images=IMAGES, shape=SHAPE):
    return np.random.default_rng(seed).normal(size=(images, *shape))


def levels(seed=0, images=IMAGES, shape=SHAPE):
    """Maps of four values: ties everywhere, at the maximum too."""
    return np.random.default_rng(seed).integers(-1, 3, (images, *shape)).astype(float)


def boxes(seed=1, images=IMAGES, shape=SHAPE):
    """One box in each image, smaller than the image: (image, row, column)."""
    rng, regions = np.random.default_rng(seed), np.zeros((images, *shape), bool)
    for region in regions:
        top, left = (rng.integers(0, side - 2) for side in shape)
        region[top : top + rng.integers(1, 4), left : left + rng.integers(1, 5)] = True
    return regions
