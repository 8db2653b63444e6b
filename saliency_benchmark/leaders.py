"""Which methods rank first? Mean ranks with intervals, and the methods that cannot be told from the best.

A method is tied for first while its mean rank is above the least by no more than chance explains for all that are in
the race: the widest range of their mean ranks, each around its own, in CONFIDENCE of the samples of the images. Who is
further behind drops out, and the range is taken anew of those left, until none drops out (the model confidence set of
Hansen, Lunde & Nason, 2011). All methods that are truly first are among the tied with the probability CONFIDENCE.
"""

import numpy as np
import pandas as pd

from saliency_benchmark import bootstrap, grouping, votes


def mean_ranks(ranking: np.ndarray) -> bootstrap.Statistic:
    """Mean rank of each method over the images that rank it, as a function of weights: -> (sample, method)."""
    valid = np.isfinite(ranking)
    rows = np.where(valid, ranking, 0.0)

    def statistic(weights: np.ndarray) -> np.ndarray:
        weights = weights.astype(float)
        number = weights @ valid
        return np.divide(weights @ rows, number, out=np.full(number.shape, np.nan), where=number > 0)

    return statistic


def tied_for_first(ranking: np.ndarray, *, confidence: float, resamples: int, seed: int) -> np.ndarray:
    """Which methods are tied for first: RANKING (image, method) -> (method). With one image, all that it ranks."""
    statistic, images = mean_ranks(ranking), len(ranking)
    means = bootstrap.estimate(statistic, images)
    if images < 2:
        return np.isfinite(means)
    return _racing(means, bootstrap.replicates(statistic, images, resamples, seed), confidence)


def rank_table(
    scores: grouping.Arrays, groups: dict[str, list[str]], higher: bool, settings: dict, keys: dict
) -> pd.DataFrame:
    """A row per group and method: mean rank within the group with its BCa interval, share of first places, tied or not.

    `first_share` is of the images that rank anything; methods that tie for first on an image share its place.
    """
    options = {name: settings[name] for name in ("confidence", "resamples", "seed")}
    rows = []
    for group, ranking, _ in grouping.rankings(scores, groups, higher):
        told, numbers, shares = _told(ranking, **options), np.isfinite(ranking).sum(0), votes.shares(ranking)
        for method, (mean, interval, tied), share, number in zip(groups[group], told, shares, numbers, strict=True):
            row = {"mean_rank": mean, "low": interval[0], "high": interval[1], "first_share": share}
            rows.append({**keys, "group": group, "method": method, **row, "tied_for_first": tied, "images": number})
    return pd.DataFrame(rows)


def _told(
    ranking: np.ndarray, *, confidence: float, resamples: int, seed: int
) -> list[tuple[float, bootstrap.Interval, bool]]:
    """Mean rank, its interval, and whether it is tied for first, of each method."""
    statistic, images = mean_ranks(ranking), len(ranking)
    means = bootstrap.estimate(statistic, images)
    if images < 2:
        return [(mean, bootstrap.NONE, bool(np.isfinite(mean))) for mean in means]
    drawn, without = bootstrap.replicates(statistic, images, resamples, seed), bootstrap.left_out(statistic, images)
    columns = zip(means, drawn.T, without.T, np.isfinite(ranking).sum(0), strict=True)
    intervals = [bootstrap.bca(*known, confidence) if number >= 2 else bootstrap.NONE for *known, number in columns]
    return list(zip(means, intervals, _racing(means, drawn, confidence).tolist(), strict=True))


def _racing(means: np.ndarray, drawn: np.ndarray, confidence: float) -> np.ndarray:
    """Methods that are tied for first, from mean ranks (method) and those of samples (resample, method)."""
    moved = np.nan_to_num(drawn - means)  # a sample without a method says nothing of it
    behind = means - np.nanmin(means)
    racing, before = np.isfinite(means), -1
    while racing.sum() != before:
        before = racing.sum()
        widest = np.ptp(moved[:, racing], axis=1)
        racing = racing & (behind <= np.quantile(widest, confidence) + 1e-12)
    return racing
