"""Rankings that tests are made of, and Krippendorff's alpha to the letter."""

import numpy as np

from saliency_benchmark import agreement


def brute_force(ranking, level):
    """Krippendorff (2011) to the letter: coincidences of values, and the squared distance of each pair."""
    units = [column[np.isfinite(column)] for column in ranking.T]
    units = [unit for unit in units if len(unit) >= 2]
    values = np.unique(np.concatenate(units))
    coincidences = np.zeros((len(values), len(values)))
    for unit in units:
        for place, one in enumerate(unit):
            for other in np.delete(unit, place):
                coincidences[np.searchsorted(values, one), np.searchsorted(values, other)] += 1 / (len(unit) - 1)
    margin = coincidences.sum(1)
    observed = expected = 0.0
    for c in range(len(values)):
        for k in range(len(values)):
            if level == "ordinal":
                distance = margin[min(c, k) : max(c, k) + 1].sum() - (margin[c] + margin[k]) / 2
            else:
                distance = (values[c] - values[k]) / (values[c] + values[k] if level == "ratio" else 1)
            observed += coincidences[c, k] * distance**2
            expected += margin[c] * margin[k] * distance**2 / (margin.sum() - 1)
    return 1 - observed / expected


def permutations(images, methods, seed=0):
    return np.random.default_rng(seed).permuted(np.tile(np.arange(1.0, methods + 1), (images, 1)), axis=1)


def related(images, methods, seed=0, noise=1.0):
    """Scores (method, image) that agree in part."""
    rng = np.random.default_rng(seed)
    return np.arange(methods)[:, None] + noise * methods * rng.normal(size=(methods, images))


def ragged(seed):
    """Ranks with ties and missing values."""
    rng = np.random.default_rng(seed)
    scores = np.round(related(9, 5, seed, noise=0.3))
    scores[rng.random(scores.shape) < 0.25] = np.nan
    return agreement.ranks(scores[:, np.isfinite(scores).sum(0) >= 2], True)


def run(scores, index=None):
    """Arrays of `artifacts.SCORES`; methods are called a, b, c, ..."""
    names = np.array([chr(ord("a") + place).encode() for place in range(len(scores))])
    return {"score": scores, "method": names, "index": np.arange(scores.shape[1]) if index is None else index}


def share_of(covered, nominal):
    """Is this the share of runs that it should be? Four standard deviations of a count of independent runs."""
    return abs(np.mean(covered) - nominal) < 4 * (nominal * (1 - nominal) / len(covered)) ** 0.5
