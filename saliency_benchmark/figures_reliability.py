"""Pictures of the page's sections on reliability, as inline SVG."""

import numpy as np
import pandas as pd

from saliency_benchmark import figures

COLUMNS = 4  # of panels


def alphas(table: pd.DataFrame, row: str = "metric", label: str = "Krippendorff's alpha") -> str:
    """Alpha with its interval, a row per value of the column ROW, a mark per group; LABEL of the axis."""
    names = list(table[row].unique())
    groups = list(table.loc[table["alpha"].notna(), "group"].unique())
    with figures.canvas((7.5, max(0.6 + 0.42 * len(names), 0.5 + 0.18 * len(groups)))) as ((axes,), svg):
        for number, group in enumerate(groups):
            part = table[(table["group"] == group) & table["alpha"].notna()]
            place = [names.index(name) + 0.7 * ((number + 0.5) / len(groups) - 0.5) for name in part[row]]
            style = {"linestyle": "", "markersize": 3.5, "linewidth": 1, "label": group} | figures.style(number)
            axes.errorbar(part["alpha"], place, xerr=_reach(part, "alpha"), **style)
        axes.axvline(0, color="#999999", linewidth=0.8)
        axes.set(yticks=range(len(names)), yticklabels=names, xlabel=label, ylim=(len(names) - 0.5, -0.5))
        figures.legend(axes)
        return svg()


def differences(table: pd.DataFrame) -> str:
    """Difference of alpha from the baseline with its interval, a row per metric, a mark per recipe.

    Marks are filled where the interval is over all seeds, hollow where it is of one.
    """
    metrics, recipes = list(table["metric"].unique()), list(table["recipe"].unique())
    height = 0.8 + max(0.35, 0.1 * len(recipes), 0.18 * len(recipes) / len(metrics)) * len(metrics)
    with figures.canvas((7.5, height)) as ((axes,), svg):
        for number, recipe in enumerate(recipes):
            style = {"linestyle": "", "markersize": 3.5, "linewidth": 1} | figures.style(number)
            label = recipe
            of_recipe = table[table["recipe"] == recipe]
            single = of_recipe["seed"].astype(str) != "all"
            for part, fill in ((of_recipe[~single], style["color"]), (of_recipe[single], "white")):
                place = [metrics.index(name) + 0.8 * ((number + 0.5) / len(recipes) - 0.5) for name in part["metric"]]
                if place:
                    reach = _reach(part, "difference")
                    axes.errorbar(part["difference"], place, xerr=reach, mfc=fill, label=label, **style)
                    label = None
        axes.axvline(0, color="#999999", linewidth=0.8)
        axes.set(yticks=range(len(metrics)), yticklabels=metrics, xlabel="alpha less the baseline's")
        axes.set(ylim=(len(metrics) - 0.5, -0.5))
        figures.legend(axes)
        return svg()


def interpolation(table: pd.DataFrame) -> str:
    """Alpha against b, a panel per metric: hollow marks with intervals are seeds, the line their mean."""
    metrics = list(table["metric"].unique())
    rows, columns = -(-len(metrics) // COLUMNS), min(COLUMNS, len(metrics))
    single = table["seed"].astype(str) != "all"
    seeds = list(table.loc[single, "seed"].unique())
    with figures.canvas((2.4 * columns + 0.4, 2.2 * rows + 0.3), rows, columns) as (panels, svg):
        for axes, metric in zip(panels, metrics, strict=False):
            for number, seed in enumerate(seeds):
                part = table[(table["metric"] == metric) & (table["seed"] == seed)]
                place = part["interpolation"] + 0.03 * (number - (len(seeds) - 1) / 2)
                style = {"linestyle": "", "markersize": 3.5, "linewidth": 0.8, "mfc": "white"}
                axes.errorbar(place, part["alpha"], yerr=_reach(part, "alpha"), **style | figures.style(number + 1))
            means = table[(table["metric"] == metric) & ~single].groupby("interpolation")["alpha"].mean()
            axes.plot(means.index, means, color=figures.COLOURS[0], marker="o", markersize=4, linewidth=1.3)
            axes.axhline(0, color="#999999", linewidth=0.8)
            axes.set(title=metric, xlabel="b", xticks=[0, 0.5, 1])
            axes.tick_params(labelbottom=True)
        for axes in panels[len(metrics) :]:
            axes.set_axis_off()
        for axes in panels[::columns]:
            axes.set(ylabel="Krippendorff's alpha")
        return svg()


def size_curves(table: pd.DataFrame, wanted: float) -> str:
    """Probability that the winner stays ahead by number of images: a colour per metric, exact solid, resampled dashed.

    WANTED: the probability of the settings.
    """
    metrics = list(table["metric"].unique())
    with figures.canvas((7.5, max(3.2, 0.8 + 0.18 * (len(metrics) + 3)))) as ((axes,), svg):
        for number, (metric, part) in enumerate(table.groupby("metric", sort=False)):
            style = figures.style(number) | {"linewidth": 1.3, "markersize": 3, "markevery": (number % 5, 5)}
            axes.plot(part["images"], part["exact"], label=metric, **style)
            axes.plot(part["images"], part["resampled"], linestyle="--", **style | {"linewidth": 0.9, "marker": ""})
        axes.axhline(wanted, color="#999999", linewidth=0.8, linestyle=":", label=f"wanted: {wanted:g}")
        for label, line in (("exact", "-"), ("resampled", "--")):
            axes.plot([], [], color="#555555", linestyle=line, label=label)
        axes.set(xscale="log", xlabel="images", ylabel="probability to stay ahead", ylim=(0, 1.02))
        axes.xaxis.set_major_formatter("{x:g}")
        figures.legend(axes)
        return svg()


def _reach(table: pd.DataFrame, value: str) -> np.ndarray:
    """How far an interval goes below and above VALUE, (2, row); 0 where there is none."""
    low, high = (table[name].fillna(table[value]) for name in ("low", "high"))
    return np.abs(np.stack([table[value] - low, high - table[value]]))
