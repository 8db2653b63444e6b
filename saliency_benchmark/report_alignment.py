"""The page's section on aligned and misaligned copies: how far each pipeline bends, and what that depends on."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from saliency_benchmark import artifacts, figures, figures_alignment
from saliency_benchmark.report_keys import interval
from saliency_benchmark.robustness import BENT, BROKEN, EMPTY, FIRM, MARGIN, OPEN, ROBUST
from saliency_benchmark.robustness_tables import ALL

PIPELINE = ["dataset", "model", "initialisation", "recipe", "seed"]
LOSSES = ("localisation", "classification")
SHOWN = ("mass", "rank")
MAPS = ("before", "aligned", "misaligned")
VERDICTS = (BENT, ROBUST, FIRM, BROKEN, OPEN, EMPTY)
ACCURACIES = ("before", "control", "aligned", "misaligned")


@dataclass(frozen=True)
class Bent:
    """What is shown of one trained model and its copies."""

    name: str
    sentences: list[str]
    figure: str
    table: pd.DataFrame
    labels: pd.DataFrame
    variants: str
    variant_table: pd.DataFrame
    curves: list[str]
    curve_table: pd.DataFrame
    examples: list[tuple[str, list[str], list[tuple[str, str, str, list[str]]]]]


def parts(
    tables: dict[str, pd.DataFrame], images: dict[str, str], maps: dict[str, list[str]], pairs: list[dict], number: int
) -> dict[str, object]:
    """What the template of this section shows, by name; nothing without copies.

    IMAGES: files of test images by data set; MAPS: files of maps by direction, in the order of PAIRS, the rows of keys
    of copies that are shown; NUMBER: of images.
    """
    if "robustness_summary" not in tables:
        return {"bent": [], "regression": pd.DataFrame(), "correlation": pd.DataFrame(), "regressed": []}
    regression, correlation = tables["robustness_regression"], tables["robustness_correlation"]
    own = {tuple(map(str, (row[key] for key in PIPELINE))): [] for row in pairs}
    for place, row in enumerate(pairs):
        files = {name: maps[name][place] for name in MAPS}
        own[tuple(str(row[key]) for key in PIPELINE)].append((row, files))
    return {
        "bent": list(runs(tables, images, own, number)),
        "regression": regression,
        "regressed": list(effects(regression)),
        "correlation": correlation[correlation["of"] == "difference"].drop(columns="of"),
    }


def runs(tables: dict[str, pd.DataFrame], images: dict[str, str], own: dict, number: int) -> Iterator[Bent]:
    """Per trained model and initialisation."""
    for values, part in tables["robustness_summary"].groupby(PIPELINE, sort=False):
        whole = part[part["label"].astype(str) == ALL]
        measures = [name for name in SHOWN if name in set(whole["measure"])] or list(whole["measure"].unique()[:2])
        several = whole["masks"].nunique() > 1
        curves = tables["alignment_curves"]
        curves = curves[(curves[PIPELINE].astype(str) == [str(value) for value in values]).all(axis=1)]
        yield Bent(
            f"{values[0]}: {values[1]} ({values[2]}), {values[3]}, seed {values[4]}",
            list(verdicts(whole)),
            figures_alignment.differences(whole, measures, MARGIN),
            readable(whole),
            readable(part[part["label"].astype(str) != ALL]),
            figures_alignment.variants(whole[whole["tuned"] == whole["tuned"].iloc[0]], measures) if several else "",
            by_masks(whole) if several else pd.DataFrame(),
            [figures_alignment.curves(curves, loss) for loss in LOSSES],
            ends(curves),
            list(examples(images[values[0]], own.get(tuple(map(str, values)), []), number)),
        )


def verdicts(whole: pd.DataFrame) -> Iterator[str]:
    """Per measure, masks and tuned label: which methods were bent, and which were not, with their mean differences."""
    for (measure, masks, tuned), part in whole.groupby(["measure", "masks", "tuned"], sort=False):
        if measure in SHOWN:
            found = []
            for verdict in VERDICTS:
                rows = part[part["verdict"] == verdict]
                if len(rows):
                    named = ", ".join(_short(row.method, row.mean) for row in rows.itertuples())
                    found.append(f"{verdict}: {named}")
            label = "" if str(tuned) == ALL else f", label {tuned}"
            yield f"{str(measure).capitalize()}, masks {masks}{label}: {'; '.join(found)}."


def _short(method: str, mean: float) -> str:
    return f"{method} ({mean:.2f})" if np.isfinite(mean) else method


def readable(part: pd.DataFrame) -> pd.DataFrame:
    """The rows of a trained model to read: intervals in one cell, accuracies in another."""
    several = [name for name in ("masks", "tuned", "label") if part[name].nunique() > 1]
    shown = part[["method", *several, "measure"]].copy()
    shown["aligned - misaligned"] = [interval(row.mean, row.low, row.high) for row in part.itertuples()]
    for name in ("before", "aligned", "misaligned"):
        if f"mean_{name}" in part:
            shown[name] = part[f"mean_{name}"]
    together = part[[f"accuracy_{name}" for name in ACCURACIES]].to_numpy()
    shown[f"accuracy ({', '.join(ACCURACIES)})"] = [" / ".join(_number(value) for value in row) for row in together]
    falls = part[["fall_aligned", "fall_misaligned"]].to_numpy()
    shown["fall of the loss"] = [" / ".join(_number(value, 2) for value in row) for row in falls]
    return shown.assign(images=part["images"], invalid=part["invalid"], verdict=part["verdict"])


def by_masks(whole: pd.DataFrame) -> pd.DataFrame:
    """Mean differences with intervals, a column per variant of the masks."""
    told = whole.assign(shown=[interval(row.mean, row.low, row.high) for row in whole.itertuples()])
    keys = ["method", *(["tuned"] if whole["tuned"].nunique() > 1 else []), "measure"]
    wide = told.pivot(index=keys, columns="masks", values="shown")[list(dict.fromkeys(whole["masks"]))]
    return wide.rename_axis(columns=None).reset_index()


def ends(curves: pd.DataFrame) -> pd.DataFrame:
    """Losses before any step and in the last epoch, a row per copy."""
    keys = ["method", "masks", "tuned", "direction"]
    grouped = curves.sort_values("epoch").groupby(keys, sort=False)[list(LOSSES)]
    first, last = grouped.nth(0), grouped.nth(-1)
    table = curves.loc[first.index, keys].reset_index(drop=True)
    for loss in LOSSES:
        table[f"{loss} at first"] = first[loss].to_numpy()
        table[f"{loss} at last"] = last[loss].to_numpy()
    return table


def effects(regression: pd.DataFrame) -> Iterator[str]:
    """A sentence for each coefficient whose interval leaves out 0; of the measures that are shown."""
    keys = [name for name in ("dataset", "recipe", "masks") if regression[name].nunique() > 1]
    clear = (regression["low"] > 0) | (regression["high"] < 0)
    for row in regression[clear & (regression["term"] != "intercept")].itertuples():
        if row.measure in SHOWN:
            place = ", ".join([row.measure, *(str(getattr(row, name)) for name in keys)]).capitalize()
            way = "more" if row.estimate > 0 else "less"
            told = f"bends by {abs(row.estimate):.3f} {way} than {row.reference}"
            yield f"{place}: {row.term} {row.level} {told} [{row.low:.3f}, {row.high:.3f}]."


def examples(path: str, pairs: list[tuple[dict, dict]], number: int) -> Iterator[tuple[str, list[str], list]]:
    """Per label that copies were tuned for: methods, and the first images, each with its region and maps.

    Of an image: picture, region, caption, and for each method the maps of MAPS.
    """
    for tuned in dict.fromkeys(row["tuned"] for row, _ in pairs):
        chosen = [(row, files) for row, files in pairs if row["tuned"] == tuned]
        blocks = [{name: _first(files[name], number) for name in MAPS} for _, files in chosen]
        with artifacts.Reader(path, artifacts.IMAGES) as images:
            first = blocks[0]["before"]
            several = tuned != ALL and "regions" in images
            data = [
                (images["data"][place], images["regions"][place, int(tuned)] if several else images["region"][place])
                for place in first["index"]
            ]
        rows = [
            (
                figures.picture(image),
                figures.picture(255 * region[None].astype(np.uint8)),
                f"image {first['index'][place]}, target {first['target'][place]}",
                [figures.heat(block[name]["attribution"][place]) for block in blocks for name in MAPS],
            )
            for place, (image, region) in enumerate(data)
        ]
        yield ("" if tuned == ALL else f"label {tuned}"), [row["method"] for row, _ in chosen], rows


def _first(path: str, number: int) -> artifacts.Arrays:
    with artifacts.Reader(path, artifacts.MAPS) as maps:
        return next(maps.blocks(number, number, ("attribution", "index", "target")))


def _number(value: float, digits: int = 3) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "?"
