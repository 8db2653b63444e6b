"""Pictures of the page's sections on ROAR, as inline SVG."""

import pandas as pd

from saliency_benchmark import figures

SIZE = (9.5, 4.0)
AXES = {
    "remove": ("fraction of the pixels removed, most salient first", 1.0),
    "remove_least": ("fraction of the pixels removed, least salient first", 1.0),
    "keep": ("fraction of the pixels kept, most salient", 0.0),
}


def curves(retrained: pd.DataFrame, masked: pd.DataFrame, controls: set[str], order: str) -> str:
    """Accuracy against the fraction, a line per method with its range over the repeats; controls are grey and dashed.

    Beside it, where MASKED has rows, the same of the model as it was, on the same scales.
    """
    parts = [("retrained", retrained), *([("not retrained", masked)] if len(masked) else [])]
    label, empty = AXES[order]
    with figures.canvas(SIZE if len(parts) > 1 else (7.5, 4.0), 1, len(parts)) as (panels, svg):
        for axes, (name, part) in zip(panels, parts, strict=True):
            for number, method in enumerate(retrained["method"].unique()):
                _line(axes, part[(part["method"] == method) & (part["fraction"] != empty)], method, number, controls)
            nothing = part.loc[part["fraction"] == empty, "accuracy"].mean()
            axes.axhline(nothing, color=figures.CONTROL, linestyle=":", linewidth=1, label="no pixel left")
            axes.set(title=name, xlabel=label)
        panels[0].set_ylabel("test accuracy")
        figures.legend(panels[-1])
        return svg()


def _line(axes: object, part: pd.DataFrame, method: str, number: int, controls: set[str]) -> None:
    found = part.groupby("fraction")["accuracy"].agg(["mean", "min", "max"])
    look = figures.style(number) | {"linestyle": ["-", "-."][number // 8 % 2]}
    if method in controls:
        look |= {"color": figures.CONTROL, "linestyle": "--"}
    axes.plot(found.index, found["mean"], label=method, markersize=4, linewidth=1.3, **look)
    axes.fill_between(found.index, found["min"], found["max"], color=look["color"], alpha=0.12, linewidth=0)


def check(table: pd.DataFrame) -> str:
    """Accuracy against the number of entries removed, a line per order; a panel with retraining and one without."""
    with figures.canvas((8.5, 3.0), 1, 2) as (panels, svg):
        for axes, retrained in zip(panels, (True, False), strict=True):
            part = table[table["retrained"] == retrained]
            for number, (order, rows) in enumerate(part.groupby("order", sort=False)):
                look = figures.style(number)
                axes.plot(rows["removed"], rows["accuracy"], label=order, markersize=3.5, linewidth=1.3, **look)
            axes.set(title="retrained" if retrained else "not retrained", xlabel="entries removed, of 16")
        panels[0].set_ylabel("accuracy")
        figures.legend(panels[-1])
        return svg()
