"""One page to read: what was run, how good the models are, who ranks where, and whether the images agree."""

from collections.abc import Iterator
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import yaml

from saliency_benchmark import (
    artifacts,
    design,
    figures,
    files,
    report_alignment,
    report_reliability,
    report_roar,
    report_utility,
)
from saliency_benchmark.report_keys import RUN, interval, named

TEMPLATE = Path(__file__).with_name("report.html.j2")
# No tables, or such as are too long for the page.
UNREAD = ("images", "maps", "scores", "robustness", "utility", "asked", *report_alignment.MAPS)
SHOWN_MAP = 62  # pixels that an image is drawn high


def render(inputs: object, settings: dict, examples: list[dict], pairs: list[dict] = ()) -> str:
    """The page; INPUTS: paths of the tables by name, of `images` by data set, of `maps` in the order of EXAMPLES.

    PAIRS: rows of keys of the copies whose maps `before`, `aligned` and `misaligned` are.
    """
    tables = {name: pd.read_csv(path) for name, path in inputs.items() if name not in UNREAD}
    copies = {name: files.listed(getattr(inputs, name, [])) for name in report_alignment.MAPS}
    options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATE.parent), **options)
    environment.filters["table"] = to_html
    images = dict(zip(settings["datasets"], files.listed(inputs.images), strict=True))
    return environment.get_template(TEMPLATE.name).render(
        settings=yaml.safe_dump(settings, sort_keys=False),
        overview=overview(settings, tables),
        models=tables["models"],
        rankings=list(rankings(tables["summary"])),
        **report_reliability.parts(tables, settings["agreement"]["probability"]),
        calibrations=list(calibrations(tables["calibration"])),
        **report_roar.parts(tables, design.control(settings)),
        **report_alignment.parts(tables, images, copies, pairs, settings["report"]["examples"]),
        **report_utility.parts(tables),
        pictures=list(pictures(images, files.listed(inputs.maps), examples, settings["report"]["examples"])),
        invalid=invalid(tables["summary"]),
        soundness=list(soundness(tables["map_quality"])),
        height=SHOWN_MAP,
    )


def to_html(table: pd.DataFrame, digits: int = 3) -> str:
    """A table for reading: numbers rounded and right-aligned, an empty cell where there is no value."""
    shown = table.copy()
    for column in shown.select_dtypes("float"):
        whole = (shown[column].dropna() % 1 == 0).all() and column.endswith("images")
        shown[column] = [_number(value, 0 if whole else digits) for value in shown[column]]
    return shown.to_html(index=False, border=0, na_rep="", justify="unset")


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else ""


def overview(settings: dict, tables: dict[str, pd.DataFrame]) -> dict[str, object]:
    summary = tables["summary"]
    return {
        "data sets": ", ".join(settings["datasets"]),
        "models": f"{len(tables['models'][RUN].drop_duplicates())} trained "
        f"({', '.join(settings['models'])}; recipes {', '.join(settings['recipes'])}; seeds {settings['seeds']})",
        "methods": ", ".join(settings["methods"]),
        "metrics": ", ".join(settings["metrics"]),
        "images scored": ", ".join(
            f"{name}: {part['images'].max()}" for name, part in summary.groupby("dataset", sort=False)
        ),
        "retrained models": len(tables["roar"].query("0 < fraction < 1")) if "roar" in tables else 0,
    }


def rankings(summary: pd.DataFrame) -> Iterator[tuple[str, list[tuple[str, pd.DataFrame, pd.DataFrame]]]]:
    """Per trained model and family of metrics: mean rank of every method, 1 is best, and mean scores; best first."""
    for values, part in summary[summary["group"] == "all+controls"].groupby(RUN, sort=False):
        families = part.groupby("family", sort=False)
        yield named(values), [(family, *_ranked(metrics)) for family, metrics in families]


def _ranked(part: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    ranks = part.pivot(index="method", columns="metric", values="mean_rank")[part["metric"].unique()]
    ranks.insert(0, "mean rank", ranks.mean(axis=1))
    means = part.assign(shown=[interval(*row) for row in part[["mean", "low", "high"]].to_numpy()])
    scores = means.pivot(index="method", columns="metric", values="shown")[part["metric"].unique()]
    order = ranks.sort_values("mean rank").index
    ranks, scores = (table.loc[order].rename_axis(columns=None).reset_index() for table in (ranks, scores))
    return ranks, scores


def calibrations(calibration: pd.DataFrame) -> Iterator[tuple[str, str]]:
    for values, part in calibration.groupby(RUN, sort=False):
        yield named(values), figures.reliability(part)


def pictures(
    images: dict[str, str], maps: list[str], examples: list[dict], number: int
) -> Iterator[tuple[str, list, list]]:
    """Per trained model: the first test images, each with its labels and every method's map."""
    shown: dict[tuple, dict[str, artifacts.Arrays]] = {}
    for path, row in zip(maps, examples, strict=True):
        with artifacts.Reader(path, artifacts.MAPS) as reader:
            part = next(reader.blocks(number, number))
        shown.setdefault(tuple(row[key] for key in RUN), {})[row["method"]] = part
    for values, methods in shown.items():
        with artifacts.Reader(images[values[0]], artifacts.IMAGES) as reader:
            data = next(reader.blocks(number, number, ("data",)))["data"]
        first = next(iter(methods.values()))
        rows = [
            (
                figures.picture(image),
                f"label {first['label'][place]}, predicted {first['prediction'][place].argmax()}",
                [figures.heat(part["attribution"][place]) for part in methods.values()],
            )
            for place, image in enumerate(data)
        ]
        yield named(values), list(methods), rows


def invalid(summary: pd.DataFrame) -> pd.DataFrame:
    """Which scores had no value, and how many of them: they are in no mean."""
    part = summary[(summary["group"] == "all+controls") & (summary["invalid"] > 0)]
    return part[[*RUN, "metric", "method", "invalid", "images"]]


def soundness(quality: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Per trained model and method: medians over the maps of what tells a sound map from a broken one."""
    for values, part in quality.groupby(RUN, sort=False):
        methods = part.assign(gap=part["completeness_gap"].abs()).groupby("method", sort=False)
        table = methods[["sum", "gap", "positive_share", "zero_share"]].median()
        table["invalid maps"] = methods["invalid"].agg(lambda counts: int((counts > 0).sum()))
        names = {"gap": "|completeness gap|", "positive_share": "positive share", "zero_share": "zero share"}
        yield named(values), table.rename(columns=names).reset_index()
