"""Scores of a network's images and maps by other libraries."""

import warnings

import numpy as np

from saliency_benchmark import compat


def quantus(name, network, images, targets, maps, softmax=True, batch_size=64, **options):
    """What the class NAME of Quantus gives, maps taken as they are: signed and of any scale."""
    maps = maps if maps.ndim == 4 else maps[:, None]
    chosen = {"disable_warnings": True, "normalise": False, "abs": False, "return_aggregate": False} | options
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compat.torchvision()
        import quantus as library

        metric = getattr(library, name)(**chosen)
        found = metric(
            model=network,
            x_batch=images.numpy(),
            y_batch=targets.numpy(),
            a_batch=np.asarray(maps, np.float32).copy(),
            softmax=softmax,
            device="cpu",
            channel_first=True,
            batch_size=batch_size,
        )
    return np.array(found, float)
