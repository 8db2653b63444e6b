"""Pictures for the report, as inline SVG or PNG: nothing is fetched, nothing depends on the day."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO, StringIO

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
from matplotlib import pyplot

# Okabe and Ito's colours, told apart by most eyes; markers tell them apart without colour.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#332288", "#882255"]
MARKERS = "osD^vP<>"
CONTROL = "#777777"
STYLE = {
    "svg.hashsalt": "saliency benchmark",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",
    "font.family": "sans-serif",
}


@contextmanager
def canvas(
    size: tuple[float, float], rows: int = 1, columns: int = 1
) -> Iterator[tuple[np.ndarray, Callable[[], str]]]:
    """Axes to draw on, ROWS x COLUMNS that share their scales, in one row; and what gives the SVG of them.

    SIZE in inches.
    """
    with matplotlib.rc_context(STYLE):
        layout = {"figsize": size, "layout": "constrained", "squeeze": False, "sharex": True, "sharey": True}
        figure, panels = pyplot.subplots(rows, columns, **layout)
        yield panels.ravel(), lambda: _svg(figure)


def style(number: int) -> dict[str, str]:
    """Colour and marker of the line NUMBER."""
    return {"color": COLOURS[number % 8], "marker": MARKERS[number % 8]}


def legend(axes: pyplot.Axes) -> None:
    """To the right of AXES, where they have anything with a name."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=8)


def reliability(table: pd.DataFrame) -> str:
    """Reliability diagrams: accuracy against confidence by bin, one panel per kind of input; dots grow with images."""
    inputs = list(table["input"].unique())
    with matplotlib.rc_context(STYLE):
        size = (2.5 * len(inputs), 2.6)
        figure, panels = pyplot.subplots(1, len(inputs), figsize=size, layout="constrained", squeeze=False, sharey=True)
        for axes, name in zip(panels[0], inputs, strict=True):
            part = table[(table["input"] == name) & (table["images"] > 0)]
            axes.plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
            axes.plot(part["confidence"], part["accuracy"], color=COLOURS[0], linewidth=1)
            share = part["images"] / max(1, part["images"].sum())
            axes.scatter(part["confidence"], part["accuracy"], s=6 + 120 * share, color=COLOURS[0])
            axes.set(title=name, xlabel="confidence", xlim=(0, 1), ylim=(0, 1), aspect="equal")
        panels[0][0].set(ylabel="accuracy")
        return _svg(figure)


def picture(image: np.ndarray) -> str:
    """An image (channel, row, column) of bytes, as it is."""
    shown = np.repeat(image, 3, 0) if len(image) == 1 else image[:3]
    return _png(np.moveaxis(shown, 0, 2))


def heat(saliency: np.ndarray) -> str:
    """A map, channels summed: red speaks for the class, blue against it, white is zero; the 99th percentile is full."""
    values = saliency.sum(0) if saliency.ndim == 3 else saliency
    limit = np.nanpercentile(np.abs(values), 99) or np.nanmax(np.abs(values)) or 1.0
    unit = np.nan_to_num(np.clip(values / limit, -1, 1))
    return _png((matplotlib.colormaps["RdBu_r"]((unit + 1) / 2)[..., :3] * 255).round().astype(np.uint8))


def _png(pixels: np.ndarray) -> str:
    from PIL import Image

    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"


def _svg(figure: pyplot.Figure) -> str:
    stream = StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    text = stream.getvalue()
    return text[text.index("<svg") :]
