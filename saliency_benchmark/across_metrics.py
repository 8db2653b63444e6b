"""Do metrics agree on which methods are good? Raters are metrics, units are methods.

Two answers, on one set of images: on each image, alpha of the ranks that the metrics give the methods there, then the
mean over the images; and alpha of the order that each metric gives the methods by their mean ranks over all images.
Where k metrics order n methods by chance, the first is 1 / (k n) in the mean, not 0.
"""

import numpy as np
import pandas as pd

from saliency_benchmark import agreement, alpha_forms, bootstrap, grouping, leaders

CELLS = 2**22  # of counts at a time


def per_image(rankings: np.ndarray) -> np.ndarray:
    """Alpha of the metrics on each image: RANKINGS (metric, image, method), NaN = missing -> (image).

    NaN where fewer than two metrics or methods have values in common, or all methods tie.
    """
    values = np.unique(rankings[np.isfinite(rankings)])
    _, images, methods = rankings.shape
    size = max(1, CELLS // max(1, rankings.shape[0] * methods * len(values)))
    found = [np.empty(0)]
    for start in range(0, images, size):
        marks = rankings[:, start : start + size, :, None] == values
        found.append(alpha_forms.from_counts(marks.sum(0), values))
    return np.concatenate(found)


def of_orders(rankings: np.ndarray) -> float:
    """Alpha, ordinal, of the orders that the metrics bring the methods into by mean rank; equal means are a tie."""
    if not rankings.shape[1]:
        return float("nan")
    means = [bootstrap.estimate(leaders.mean_ranks(ranking), len(ranking)) for ranking in rankings]
    return agreement.alpha(agreement.ranks(np.round(np.stack(means), 9).T, False))


def across_table(
    runs: dict[str, tuple[grouping.Arrays, bool]], groups: dict[str, list[str]], settings: dict, keys: dict
) -> pd.DataFrame:
    """How far metrics agree, a row per group. RUNS: by metric, scores and whether higher is better; as many as wanted.

    `alpha`: mean over the `images` that have one, with its BCa interval over them; `order_alpha`: of the orders by mean
    rank, one number for all images, without an interval, as it moves in steps. Images that do not rank anything under
    each metric are `unpaired`.
    """
    options = {name: settings[name] for name in ("confidence", "resamples", "seed")}
    rows = []
    for group, names in groups.items():
        rankings, unpaired = grouping.shared(list(runs.values()), names)
        rankings = np.stack(rankings)
        alone = per_image(rankings)
        valid = np.isfinite(alone)
        low, high = bootstrap.mean_interval(alone, **options)
        told = {"alpha": alone[valid].mean() if valid.any() else np.nan, "low": low, "high": high}
        counted = {"images": int(valid.sum()), "unpaired": unpaired, "metrics": len(runs), "methods": len(names)}
        note = "" if valid.any() else _reason(len(runs), names, rankings.shape[1])
        rows.append({**keys, "group": group, **told, "order_alpha": of_orders(rankings), **counted, "note": note})
    return pd.DataFrame(rows)


def family_table(
    runs: dict[str, tuple[grouping.Arrays, bool]],
    families: dict[str, str],
    groups: dict[str, list[str]],
    settings: dict,
    keys: dict,
) -> pd.DataFrame:
    """metric_agreement.csv: across_table of each family with two metrics or more, and of `all` metrics.

    FAMILIES: by metric. An image counts in a family if each of its metrics ranks anything there.
    """
    members: dict[str, list[str]] = {}
    for metric in runs:
        members.setdefault(families[metric], []).append(metric)
    several = {family: metrics for family, metrics in members.items() if len(metrics) > 1}
    return pd.concat(
        across_table({metric: runs[metric] for metric in metrics}, groups, settings, {**keys, "family": family})
        for family, metrics in (several | {"all": list(runs)}).items()
    )


def _reason(metrics: int, names: list[str], images: int) -> str:
    if metrics < 2 or len(names) < 2:
        return "one metric: nothing to agree on" if metrics < 2 else "one method: nothing to rank"
    return "all methods tie on every image" if images else "no image ranks anything under each metric"
