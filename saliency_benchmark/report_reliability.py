"""The page's sections on reliability: do images agree, do metrics, what do recipes change, how many images suffice?"""

from collections.abc import Callable, Iterator

import pandas as pd

from saliency_benchmark import figures_reliability as figures
from saliency_benchmark.report_keys import RUN, named

SIZE = ["metric", "winner", "minimum_images", "resampled_images", "available_images", "probability", "note"]
Grouped = list[tuple[str, str]]  # group or family, figure


def parts(tables: dict[str, pd.DataFrame], probability: float) -> dict[str, list]:
    """What the template of these sections shows, by name; PROBABILITY: wanted of the winner to stay ahead."""
    return {
        "agreements": list(agreements(tables["agreement"])),
        "leaders": list(leaders(tables["ranking"])),
        "metric_agreements": list(metric_agreements(tables["metric_agreement"])),
        "differences": list(differences(tables)),
        "interpolations": list(interpolations(tables)),
        "sizes": list(sizes(tables["benchmark_size"], tables["benchmark_size_curve"], probability)),
    }


def agreements(agreement: pd.DataFrame) -> Iterator[tuple[str, list[tuple[str, str, pd.DataFrame]]]]:
    for values, part in agreement.groupby(RUN, sort=False):
        families = part.groupby("family", sort=False)
        yield named(values), [(family, figures.alphas(rows), rows.drop(columns=RUN)) for family, rows in families]


def leaders(ranking: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Per trained model and metric: the first method of all, and those that cannot be told from it."""
    part = ranking[ranking["group"] == "all"]
    for values, rows in part.groupby(RUN, sort=False):
        found = []
        for metric, methods in rows.groupby("metric", sort=False):
            tied = methods[methods["tied_for_first"]].sort_values("mean_rank")
            first = {"metric": metric, "tied for first": len(tied), "of": len(methods)}
            found.append(first | {"methods, the best first": ", ".join(tied["method"])})
        yield named(values), pd.DataFrame(found)


def metric_agreements(table: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Per trained model: how far metrics agree, a row per family, and the whole table; no figure without an alpha."""
    for values, part in table.groupby(RUN, sort=False):
        known = part["alpha"].notna().any()
        shown = figures.alphas(part, "family", "alpha of the metrics, mean over the images") if known else ""
        yield named(values), shown, part.drop(columns=RUN)


def differences(tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Grouped, pd.DataFrame]]:
    """Per data set and model: alpha of each recipe less that of the baseline, by group, and the whole table."""
    if "agreement_difference" not in tables:
        return
    for values, part in tables["agreement_difference"].groupby(["dataset", "model"], sort=False):
        shown = _widest(part[part["difference"].notna()])
        yield f"{values[0]}: {values[1]}", by_group(shown, figures.differences), part.drop(columns=["dataset", "model"])


def _widest(table: pd.DataFrame) -> pd.DataFrame:
    """The rows over `all` seeds where they have an interval, else those of single seeds."""
    over_seeds = table["seed"].astype(str) == "all"
    keys = pd.MultiIndex.from_frame(table[["recipe", "metric", "group"]])
    whole = over_seeds & table["low"].notna()
    return table[whole | (~over_seeds & ~keys.isin(keys[whole]))]


def interpolations(tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, Grouped, pd.DataFrame]]:
    """Per data set, model and series of recipes: alpha on the way from one loss to the other, by group."""
    if "interpolation" not in tables:
        return
    keys = ["dataset", "model", "series"]
    for values, part in tables["interpolation"].groupby(keys, sort=False):
        recipes = part.sort_values("interpolation", kind="stable")["recipe"].unique()
        shown = by_group(part[part["alpha"].notna()], figures.interpolation)
        yield f"{values[0]}: {values[1]}, {', '.join(recipes)}", shown, part.drop(columns=keys)


def by_group(table: pd.DataFrame, draw: Callable[[pd.DataFrame], str]) -> Grouped:
    """Each group's name and figure, that of `all` methods first."""
    groups = sorted(table["group"].unique(), key=lambda group: group != "all")
    return [(group, draw(table[table["group"] == group])) for group in groups]


def sizes(size: pd.DataFrame, curve: pd.DataFrame, probability: float) -> Iterator[tuple[str, Grouped, pd.DataFrame]]:
    """Per trained model, among `all` methods: the winner's probability by number of images, and the least numbers."""
    for values, part in size[size["group"] == "all"].groupby(RUN, sort=False):
        lines = curve[(curve[RUN] == list(values)).all(axis=1) & (curve["group"] == "all")]
        families = lines.groupby("family", sort=False)
        shown = [(family, figures.size_curves(rows, probability)) for family, rows in families]
        yield named(values), shown, part[SIZE]
