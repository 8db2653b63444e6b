"""Pictures of the page's section on aligned and misaligned copies."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from saliency_benchmark import figures


def differences(summary: pd.DataFrame, measures: Sequence[str], margin: float) -> str:
    """Mean difference with its interval, a row per method (and masks), a panel per measure; grey: within the margin."""
    told = _named(summary)
    names = list(dict.fromkeys(told))
    size = (3.2 * len(measures) + 1.5, 1.1 + 0.3 * len(names))
    with figures.canvas(size, 1, len(measures)) as (panels, svg):
        for number, (axes, measure) in enumerate(zip(panels, measures, strict=True)):
            axes.axvspan(-margin, margin, color=figures.CONTROL, alpha=0.15, linewidth=0)
            part = summary[summary["measure"] == measure]
            for place, name in enumerate(names):
                for row in part[told.loc[part.index] == name].itertuples():
                    _interval(axes, row, place, figures.COLOURS[number % 8])
            axes.set(title=measure, xlabel="aligned - misaligned", ylim=(len(names) - 0.5, -0.5))
        panels[0].set_yticks(range(len(names)), names)
        return svg()


def _interval(axes: object, row: object, place: float, colour: str) -> None:
    if np.isfinite(row.mean):
        axes.plot(row.mean, place, "o", color=colour, markersize=5)
    if np.isfinite(row.low):
        axes.plot([row.low, row.high], [place, place], color=colour, linewidth=1.6)


def _named(summary: pd.DataFrame) -> pd.Series:
    """What tells the rows of one trained model apart."""
    several = [name for name in ("masks", "tuned") if summary[name].nunique() > 1]
    return summary[["method", *several]].astype(str).agg(", ".join, axis=1)


def variants(summary: pd.DataFrame, measures: Sequence[str]) -> str:
    """Mean difference with its interval by the masks of the fine-tuning, a line per method, a panel per measure."""
    masks = list(dict.fromkeys(summary["masks"]))
    methods = list(dict.fromkeys(summary["method"]))
    with figures.canvas((3.4 * len(measures) + 1.5, 3.0), 1, len(measures)) as (panels, svg):
        for axes, measure in zip(panels, measures, strict=True):
            for number, method in enumerate(methods):
                part = summary[(summary["measure"] == measure) & (summary["method"] == method)].set_index("masks")
                part = part.reindex(masks)
                shift = np.arange(len(masks)) + 0.5 * (number + 0.5) / len(methods) - 0.25
                look = figures.style(number)
                axes.plot(shift, part["mean"], label=method, markersize=4, linewidth=0.8, **look)
                axes.vlines(shift, part["low"], part["high"], color=look["color"], linewidth=1.3)
            axes.set_xticks(range(len(masks)), masks, rotation=30)
            axes.set_title(measure)
        panels[0].set_ylabel("aligned - misaligned")
        figures.legend(panels[-1])
        return svg()


def curves(table: pd.DataFrame, loss: str) -> str:
    """LOSS by epoch, a panel per direction, a line per method (and masks); the control is grey and dashed."""
    copies, control = table[table["direction"] != "control"], table[table["direction"] == "control"]
    told = _named(copies)
    with figures.canvas((9.5, 2.8), 1, 2) as (panels, svg):
        for axes, direction in zip(panels, ("aligned", "misaligned"), strict=True):
            part = copies[copies["direction"] == direction]
            for number, name in enumerate(dict.fromkeys(told)):
                rows = part[told.loc[part.index] == name]
                axes.plot(rows["epoch"], rows[loss], label=name, markersize=3, linewidth=1.2, **figures.style(number))
            rows = control.drop_duplicates("epoch")
            if rows[loss].notna().any():
                axes.plot(rows["epoch"], rows[loss], "--", color=figures.CONTROL, label="control", linewidth=1)
            axes.set(title=direction, xlabel="epoch")
        panels[0].set_ylabel(f"{loss} loss")
        figures.legend(panels[1])
        return svg()
