"""Pictures of the page on a study, as inline SVG."""

import numpy as np
import pandas as pd

from saliency_benchmark import figures

HEIGHT = 0.28  # inches per condition


def accuracy(table: pd.DataFrame) -> str:
    """Accuracy of evaluation trials with its interval, a line per condition, a panel per task and access."""
    return _panels(table, ["task", "access"], "accuracy", [("low", "high", 1.6)], "share of correct answers", (0.5,))


def contrasts(table: pd.DataFrame) -> str:
    """Differences with their intervals; the thick part is that of the equivalence test, dotted lines are its margin."""
    margin = table["margin"].iloc[0]
    ends = [("low", "high", 1.2), ("equivalence_low", "equivalence_high", 3.2)]
    return _panels(
        table, ["task", "access"], "difference", ends, "accuracy less that of the baseline", (-margin, 0, margin)
    )


def _panels(
    table: pd.DataFrame, keys: list[str], value: str, ends: list[tuple], label: str, lines: tuple[float, ...]
) -> str:
    parts = list(table.groupby(keys, sort=True))
    names = sorted(table["condition"].unique(), key=lambda name: (name == "none", name))
    size = (max(4.0, 3.6 * len(parts)), 1.1 + HEIGHT * len(names))
    with figures.canvas(size, 1, len(parts)) as (panels, svg):
        for axes, (found, part) in zip(panels, parts, strict=True):
            for line in lines:
                axes.axvline(line, color=figures.CONTROL, linewidth=0.8, linestyle="-" if line == 0 else ":")
            rows = np.array([len(names) - 1 - names.index(name) for name in part["condition"]])
            for low, high, width in ends:
                axes.hlines(rows, part[low], part[high], color=figures.COLOURS[0], linewidth=width)
            axes.plot(part[value], rows, "o", color=figures.COLOURS[1], markersize=4.5)
            axes.set(title="\n".join(found), xlabel=label, ylim=(-0.6, len(names) - 0.4))
        panels[0].set_yticks(range(len(names)), names[::-1])
        return svg()
