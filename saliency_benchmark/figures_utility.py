"""Pictures of the page's section on what users gain from maps."""

import numpy as np
import pandas as pd

from saliency_benchmark import figures
from saliency_benchmark.utility_design import PLACEBOS


def gains(summary: pd.DataFrame, panels: list[str]) -> str:
    """Gain over no map by the number of training items, a panel per name in `panel`, a line per explanation.

    Vertical lines are intervals; placebos are grey and dashed.
    """
    shown = summary[summary["gain_over_none"].notna()]
    explanations = list(dict.fromkeys(shown["explanation"]))
    columns = min(3, len(panels))
    rows = -(-len(panels) // columns)
    with figures.canvas((3.1 * columns + 1.6, 2.5 * rows), rows, columns) as (canvas, svg):
        for axes, panel in zip(canvas, panels, strict=False):
            part = shown[shown["panel"] == panel]
            axes.axhline(0, color="#999999", linewidth=0.8)
            for number, name in enumerate(explanations):
                _line(axes, part[part["explanation"] == name].sort_values("training_items"), number, name)
            axes.set(title=panel, xlabel="training items", xscale="log")
        for axes in canvas[len(panels) :]:
            axes.set_axis_off()
        canvas[0].set_ylabel("accuracy - that without maps")
        figures.legend(canvas[min(columns, len(panels)) - 1])
        return svg()


def _line(axes: object, part: pd.DataFrame, number: int, name: str) -> None:
    if not len(part):
        return
    look, line = figures.style(number), "-"
    if name in PLACEBOS:
        look, line = {**look, "color": figures.CONTROL}, "--"
    # Beside each other: intervals of one size would hide each other.
    place = part["training_items"].to_numpy() * 1.03**number
    axes.plot(place, part["gain_over_none"], line, label=name, markersize=4, linewidth=1, **look)
    known = np.isfinite(part["low"].to_numpy())
    axes.vlines(place[known], part["low"][known], part["high"][known], color=look["color"], linewidth=1.2)
