"""Does a recipe raise alpha? Differences between recipes on the same images, with what retraining adds.

Per seed, the paired bootstrap: a sample of the images is the same sample for both networks, the interval is BCa of the
difference. It says how far other images would move the difference of these two networks, and nothing of retraining.

Over the seeds, the analysis of several readers of the same cases (Obuchowski & Rockette, 1995; readers nested within
tests): a seed is a reader, an image a case. What resampling of the images says of the covariances between networks,
and how far the seeds of a recipe lie apart, add up to the variance of the difference of mean alphas; Student's t with
the degrees of freedom of Hillis (2007). Seeds are not resampled: three of them, drawn with replacement, give 10
samples, too narrow by a factor of sqrt(2/3) and without tails. Seeds of the same number count as unrelated.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import special

from saliency_benchmark import agreement, bootstrap, grouping

Runs = dict[tuple[str, str], grouping.Arrays]
COLUMNS = ["difference", "low", "high", "level", "images", "unpaired", "seeds", "baseline_seeds", "note"]
ONE_SEED = "one seed: how far retraining moves alpha is not known"


def difference(first: np.ndarray, second: np.ndarray, *, level: str, **settings: float) -> tuple[float, float, float]:
    """Alpha of FIRST minus alpha of SECOND, rankings (image, method) by the same images, and its interval.

    SETTINGS: confidence, resamples, seed.
    """
    one, other = agreement.weighted(first, level), agreement.weighted(second, level)

    def statistic(weights: np.ndarray) -> np.ndarray:
        return one(weights) - other(weights)

    estimate = bootstrap.estimate(statistic, len(first)) if len(first) else float("nan")
    return estimate, *bootstrap.interval(statistic, len(first), **settings)


def over_seeds(
    first: list[np.ndarray], second: list[np.ndarray], *, level: str, confidence: float, resamples: int, seed: int
) -> tuple[float, float, float]:
    """Mean alpha of the networks FIRST minus that of SECOND, and its interval over images and seeds.

    A ranking (image, method) per network, all by the same images; without SECOND, the mean alpha of FIRST. Every
    sample of the images is drawn for all networks at once. No interval where a recipe has one network, or there is one
    image.
    """
    images, parts = len(first[0]), [part for part in (len(first), len(second)) if part]
    alphas = [agreement.weighted(ranking, level) for ranking in (*first, *second)]

    def statistic(weights: np.ndarray) -> np.ndarray:
        return np.stack([one(weights) for one in alphas], -1)

    found = np.full(len(alphas), np.nan) if images < 2 else bootstrap.estimate(statistic, images)
    means = [part.mean() for part in np.split(found, [len(first)]) if len(part)]
    estimate = float(means[0] - sum(means[1:]))
    if min(parts) < 2 or not np.isfinite(estimate):
        return estimate, *bootstrap.NONE
    drawn = bootstrap.replicates(statistic, images, resamples, seed)
    drawn = drawn[np.isfinite(drawn).all(1)]
    if len(drawn) < 2:
        return estimate, *bootstrap.NONE
    return estimate, *_student(estimate, _parts(found, np.cov(drawn.T), len(first)), confidence)


def _parts(found: np.ndarray, covariance: np.ndarray, cut: int) -> tuple[list[float], list[int], float]:
    """Variance of a mean over each recipe's seeds, how many those are, and what the shared images add to it.

    FOUND (network) are alphas, COVARIANCE (network, network) theirs over the images, CUT where the second recipe
    begins. The variance between a recipe's seeds holds retraining and what an image does to one network alone; what it
    does to all of a recipe is the covariance between its networks, and what it does to both recipes cancels.
    """
    blocks = [slice(0, cut), slice(cut, len(found))] if cut < len(found) else [slice(0, cut)]
    numbers = [len(found[block]) for block in blocks]
    retraining = [float(found[block].var(ddof=1)) / number for block, number in zip(blocks, numbers, strict=True)]
    images = 0.0
    for block, number in zip(blocks, numbers, strict=True):
        inner = covariance[block, block]
        images += (inner.sum() - np.trace(inner)) / (number * (number - 1))
    if len(blocks) > 1:
        images -= 2 * covariance[blocks[0], blocks[1]].mean()
    return retraining, numbers, max(0.0, float(images))


def _student(estimate: float, parts: tuple[list[float], list[int], float], confidence: float) -> bootstrap.Interval:
    retraining, numbers, images = parts
    variance = sum(retraining) + images
    spread = sum(part**2 / (number - 1) for part, number in zip(retraining, numbers, strict=True))
    upper = (1 + confidence) / 2
    reach = special.stdtrit(variance**2 / spread, upper) if spread > 0 else special.ndtri(upper)
    half = float(reach) * variance**0.5
    return estimate - half, estimate + half


def difference_table(
    runs: Runs,
    baseline: str,
    groups: dict[str, list[str]],
    higher: bool,
    settings: dict,
    keys: dict,
    between: str = "recipe",
) -> pd.DataFrame:
    """agreement_difference.csv: each recipe against BASELINE; RUNS are scores by recipe and seed, of one metric.

    A row per seed that both have, and a row for `all` seeds, whose interval holds retraining too. `images` are those
    that rank anything in all runs compared; `unpaired` are the others. The column BETWEEN names the recipe. Raises
    ValueError where BASELINE has no run.
    """
    recipes = list(dict.fromkeys(recipe for recipe, _ in runs))
    if baseline not in recipes:
        told = ", ".join(f"{name} {value}" for name, value in keys.items())
        raise ValueError(f"no scores of the baseline {baseline!r} of {told}; there are: {', '.join(recipes)}")
    first, rows = {key: value for key, value in keys.items() if key != "metric"}, []
    options = {name: settings[name] for name in ("level", "confidence", "resamples", "seed")}
    for recipe in [name for name in recipes if name != baseline]:
        for group, names in groups.items():
            for row in _compared(runs, (recipe, baseline), (names, higher), options):
                about = {between: recipe, "baseline": baseline, "seed": row.pop("seed")}
                rows.append({**first, **about, "metric": keys["metric"], "group": group, **row})
    return pd.DataFrame(rows, columns=[*first, between, "baseline", "seed", "metric", "group", *COLUMNS])


def _compared(runs: Runs, pair: tuple[str, str], ranked: tuple[list[str], bool], settings: dict) -> Iterator[dict]:
    seeds = [[seed for name, seed in runs if name == recipe] for recipe in pair]
    for seed in [seed for seed in seeds[0] if seed in seeds[1]]:
        rankings, unpaired = grouping.shared([(runs[recipe, seed], ranked[1]) for recipe in pair], ranked[0])
        yield _row(seed, difference(*rankings, **settings), rankings, unpaired, (1, 1), settings["level"])
    several = [(runs[recipe, seed], ranked[1]) for recipe, own in zip(pair, seeds, strict=True) for seed in own]
    rankings, unpaired = grouping.shared(several, ranked[0])
    cut = len(seeds[0])
    found = over_seeds(rankings[:cut], rankings[cut:], **settings)
    yield _row("all", found, rankings, unpaired, (cut, len(rankings) - cut), settings["level"])


def _row(
    seed: str,
    found: tuple[float, float, float],
    rankings: list[np.ndarray],
    unpaired: int,
    numbers: tuple[int, int],
    level: str,
) -> dict:
    told = dict(zip(("difference", "low", "high"), found, strict=True))
    counted = {"images": len(rankings[0]), "unpaired": unpaired, "seeds": numbers[0], "baseline_seeds": numbers[1]}
    note = ""
    if not np.isfinite(found[0]):
        note = "fewer than two shared images" if len(rankings[0]) < 2 else "alpha of one of them is not defined"
    elif seed == "all" and min(numbers) < 2:
        note = ONE_SEED
    return {"seed": seed, **told, "level": level, **counted, "note": note}
