"""Training images set aside for validation."""

import numpy as np

from saliency_benchmark import seeds


def split(labels: np.ndarray, share: float, seed: int | str) -> tuple[np.ndarray, np.ndarray]:
    """Places of the images to train on, and of SHARE of them set aside, in order; drawn by SEED, class by class.

    Of every class round(SHARE x its images) are set aside, at least one and never all; none of a class of one image.
    """
    order = seeds.rng("validation", seed).permutation(len(labels))
    aside = []
    for label in np.unique(labels):
        members = order[labels[order] == label]
        number = min(max(1, round(share * len(members))), len(members) - 1)
        aside.append(members[:number])
    places = np.sort(np.concatenate(aside))
    return np.setdiff1d(np.arange(len(labels)), places), places
