"""How far do raters agree? Krippendorff's alpha (2011) and Kendall's W; the only module that knows alpha's package.

Raters are images, units are methods, a value is the rank of the method on that image (arXiv 2311.17876). Values may
also be raw scores: what holds of ranks holds of them.
"""

import krippendorff
import numpy as np
import pandas as pd

from saliency_benchmark import alpha_forms, bootstrap


def ranks(scores: np.ndarray, higher_is_better: bool) -> np.ndarray:
    """Rank of each method on each image, 1 for the best, mid-ranks for ties: (method, image) -> (image, method).

    A method with an invalid score (not finite) on an image has no rank there; the others are ranked among themselves.
    """
    valid = np.where(np.isfinite(scores), scores, np.nan)
    return pd.DataFrame(valid).rank(axis=0, ascending=not higher_is_better).to_numpy().T


def ranked(scores: np.ndarray) -> np.ndarray:
    """Which images rank anything, with two valid scores or more: (method, image) -> (image)."""
    return np.isfinite(scores).sum(0) >= 2


def alpha(ranking: np.ndarray, level: str = "ordinal") -> float:
    """Krippendorff's alpha of RANKING (image, method), NaN = missing: the package's value.

    Many different values, as raw scores are, would cost the package a table of all their pairs: they are pooled and
    sorted instead. NaN where there is nothing to agree on: fewer than two images or methods with values, or one value.
    """
    values = alpha_forms.few(ranking)
    if values is None:
        return bootstrap.estimate(alpha_forms.weighted(ranking, level), len(ranking))
    methods, width = ranking.shape[1], len(values)
    counts = np.bincount(alpha_forms.cells(ranking, values), minlength=methods * width).reshape(methods, width)
    counts = counts[counts.sum(1) >= 2]  # a method with one value has no pair to compare
    used = counts.sum(0) > 0
    if len(counts) < 2 or used.sum() < 2:
        return float("nan")
    domain = values[used]
    return float(krippendorff.alpha(value_counts=counts[:, used], value_domain=domain, level_of_measurement=level))


def interval(ranking: np.ndarray, *, level: str, confidence: float, resamples: int, seed: int) -> bootstrap.Interval:
    """BCa bootstrap interval of alpha over the images.

    Resampling duplicates raters, who agree with themselves, and so biases alpha upward, by (1 - alpha) / images in the
    mean; BCa alone corrects too little of it where images hardly agree. Copies are not compared with each other.
    """
    options = {"confidence": confidence, "resamples": resamples, "seed": seed}
    return bootstrap.interval(weighted(ranking, level), len(ranking), **options)


def kendalls_w(ranking: np.ndarray) -> float:
    """Kendall's W, corrected for ties, of the images on which every method has a rank: 0 no agreement, 1 full.

    W = 12 S / (m^2 (n^3 - n) - m T), m images, n methods, S the squared deviations of the methods' rank sums, T the sum
    of t^3 - t over all ties of t (Kendall & Gibbons, 1990, ch. 6). NaN below two images or methods, or if all tie.
    """
    whole = ranking[np.isfinite(ranking).all(1)]
    m, n = whole.shape
    if m < 2 or n < 2:
        return float("nan")
    # The squared deviations of an image's ranks are (n^3 - n - T) / 12.
    most = m * ((whole - (n + 1) / 2) ** 2).sum()
    return float(((whole.sum(0) - m * (n + 1) / 2) ** 2).sum() / most) if most > 0 else float("nan")


def weighted(ranking: np.ndarray, level: str = "ordinal") -> bootstrap.Statistic:
    """Alpha of samples of the images as a function of their weights, (sample, image) -> (sample), without copies.

    An image that is drawn twice is two raters that are compared with other images, not with each other; with no image
    twice it is alpha. Where values are missing, the share of such pairs that is taken out is a mean over the methods.
    """
    alpha = alpha_forms.weighted(ranking, level)
    more = ranking.size / max(1, np.isfinite(ranking).sum())  # a method with fewer images meets copies more often

    def statistic(weights: np.ndarray) -> np.ndarray:
        number = weights.sum(1, dtype=float)
        pairs = np.einsum("si,si->s", weights, weights) - number
        others = 1 - more * pairs / np.maximum(number * (number - 1), 1)
        # Pairs of copies never disagree, and are next to none of those that chance is told from.
        return 1 - (1 - alpha(weights)) / np.where(others > 1e-9, others, np.nan)

    return statistic
