"""What one metric says of all methods: scores, ranking, agreement. Invalid scores are counted, never averaged."""

import numpy as np
import pandas as pd

from saliency_benchmark import agreement, artifacts, bootstrap, grouping, registry, scoring


def scores_of(
    label: str, entry: dict, methods: list[str], files: dict[str, list[str]], images: str, stop: int
) -> artifacts.Arrays:
    """Scores of METHODS under the metric LABEL. Arrays of `artifacts.SCORES`.

    FILES: readings and maps, one per method, or one for all, or none. Raises ValueError where the methods were not
    scored on the same images.
    """
    metric = registry.load("metrics", label, entry)
    output = entry.get("output", getattr(metric, "OUTPUT", "probability"))
    columns = []
    for place, _ in enumerate(methods):
        paths = {kind: found[place if len(found) > 1 else 0] for kind, found in files.items() if found}
        whole = getattr(metric, "WHOLE", False)
        columns.append(
            scoring.score(metric.score, paths | {"images": images}, entry["options"], stop, output=output, whole=whole)
        )
    scores, indices = zip(*columns, strict=True)
    if any(not np.array_equal(index, indices[0]) for index in indices):
        raise ValueError("the methods were not asked about the same images: make their maps and readings again")
    names = np.array([name.encode() for name in methods], dtype="S")
    return {"score": np.stack(scores), "method": names, "index": indices[0]}


def higher_is_better(label: str, entry: dict) -> bool:
    return registry.load("metrics", label, entry).HIGHER_IS_BETTER


def family(label: str, entry: dict) -> str:
    """What kind of question the metric asks: faithfulness, localisation, ...; "other" where its file does not say."""
    return getattr(registry.load("metrics", label, entry), "FAMILY", "other")


def agreement_table(
    scores: artifacts.Arrays, groups: dict[str, list[str]], higher: bool, settings: dict, keys: dict
) -> pd.DataFrame:
    """One row per group, as agreement.csv has them; `note` says why alpha is empty.

    `kendalls_w` is of the images on which every method has a rank: empty where there are fewer than two.
    """
    rows = []
    for group, ranking, _ in grouping.rankings(scores, groups, higher):
        values = grouping.members(scores, groups[group])
        found = agreement.alpha(ranking, settings["level"])
        low, high = agreement.interval(ranking, **settings)
        images = len(ranking)
        note = "" if np.isfinite(found) else _reason(values, ranking)
        told = {"alpha": found, "low": low, "high": high, "level": settings["level"]}
        counted = {"images": images, "methods": len(values), "invalid": int(np.isnan(values).sum())}
        concordance = agreement.kendalls_w(ranking)
        rows.append({**keys, "group": group, **told, **counted, "kendalls_w": concordance, "note": note})
    return pd.DataFrame(rows)


def summary_table(
    scores: artifacts.Arrays, groups: dict[str, list[str]], higher: bool, settings: dict, keys: dict
) -> pd.DataFrame:
    """One row per group and method, as summary.csv has them: mean over the valid images, mean rank within the group.

    An image on which one method alone has a valid score ranks nothing.
    """
    rows = []
    options = {name: settings[name] for name in ("confidence", "resamples", "seed")}
    names = [name.decode() for name in scores["method"]]
    intervals = {
        name: bootstrap.mean_interval(values, **options) for name, values in zip(names, scores["score"], strict=True)
    }
    for group, members in groups.items():
        values = grouping.members(scores, members)
        ranking, several = agreement.ranks(values, higher), agreement.ranked(values)
        for method, column, rank in zip(members, values, ranking.T, strict=True):
            valid = np.isfinite(column)
            ranked = valid & several if len(values) > 1 else valid
            rows.append(
                {
                    **{key: keys[key] for key in ("dataset", "model", "recipe", "seed")},
                    "method": method,
                    "group": group,
                    "metric": keys["metric"],
                    "direction": "higher" if higher else "lower",
                    "mean": column[valid].mean() if valid.any() else np.nan,
                    "low": intervals[method][0],
                    "high": intervals[method][1],
                    "mean_rank": rank[ranked].mean() if ranked.any() else np.nan,
                    "images": int(valid.sum()),
                    "invalid": int((~valid).sum()),
                }
            )
    return pd.DataFrame(rows)


def _reason(values: np.ndarray, ranking: np.ndarray) -> str:
    """Why there is no alpha: VALUES (method, image), RANKING (image, method) of the images that rank something."""
    if len(values) < 2:
        return "one method: nothing to rank"
    if len(ranking) < 2:
        return f"{len(ranking)} images with two valid scores"
    if (np.isfinite(ranking).sum(0) >= 2).sum() < 2:
        return "no two methods were scored on the same two images"
    return "all methods tie on every image"
