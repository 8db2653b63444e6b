"""The page's section on aligned and misaligned copies, of tables and maps made by hand."""

from io import StringIO

import jinja2
import numpy as np
import pandas as pd
import pytest

from saliency_benchmark import (
    artifacts,
    figures_alignment,
    regression,
    report,
    report_alignment,
    robustness,
    robustness_correlation,
)

RUN = {"dataset": "d", "model": "m", "initialisation": "scratch", "recipe": "r", "seed": "0"}
MEANS = {("gradient", "exact"): 0.5, ("gradient", "box"): 0.3, ("lrp", "exact"): 0.0, ("lrp", "box"): 0.0}


def scores():
    rng = np.random.default_rng(0)
    rows = [
        {**RUN, "masks": masks, "tuned": "all", "method": method, "label": str(image % 2), "image": str(image),
         "measure": measure, "aligned": 0.2 + mean + 0.03 * rng.normal(), "misaligned": 0.2}
        for (method, masks), mean in MEANS.items()
        for image in range(20)
        for measure in ("mass", "rank", "pointing_game")
    ]  # fmt: skip
    table = pd.DataFrame(rows)
    return table.assign(difference=table["aligned"] - table["misaligned"])


def learned():
    """Models and curves: the alignment loss of the gradient falls by half, that of LRP not at all."""
    models, curves = [], []
    for method, masks in MEANS:
        for direction in ("before", "control", "aligned", "misaligned"):
            told = {**RUN, "masks": masks, "tuned": "all", "method": method, "direction": direction}
            last = {"gradient": 0.2, "lrp": 0.4}[method]
            copy = direction in ("aligned", "misaligned")
            losses = {"localisation_first": 0.4, "localisation_last": last} if copy else {}
            models.append({**told, "label": "all", "images": 100, "accuracy": 0.9, **losses})
            if direction != "before":
                for epoch, value in enumerate((0.4, last)):
                    value = value if copy else np.nan
                    curves.append({**told, "epoch": epoch, "localisation": value, "classification": 0.1 / (1 + epoch)})
    return pd.DataFrame(models), pd.DataFrame(curves)


def written(tables):
    """TABLES as the report reads them: from CSV."""
    return {name: pd.read_csv(StringIO(table.to_csv(index=False))) for name, table in tables.items()}


@pytest.fixture(scope="module")
def tables():
    models, curves = learned()
    found = {
        "robustness_summary": robustness.summarise(scores(), models, resamples=100),
        "robustness_regression": regression.regress(scores()),
        "robustness_correlation": robustness_correlation.correlations(scores(), resamples=100),
        "alignment_curves": curves,
    }
    return written(found)


@pytest.fixture(scope="module")
def parts(tables, tmp_path_factory):
    """Three images, the region of image N is its Nth pixel; maps of images 1 and 2."""
    folder = tmp_path_factory.mktemp("maps")
    data = np.arange(3 * 16, dtype=np.uint8).reshape(3, 1, 4, 4)
    region = np.eye(3, 16, dtype=bool).reshape(3, 4, 4)
    index = np.arange(3, dtype=np.int32)
    images = {"data": data, "label": index, "index": index, "region": region}
    artifacts.write(folder / "images.h5", artifacts.IMAGES, images, {})
    pairs = [{**RUN, "masks": "exact", "tuned": "all", "method": method} for method in ("gradient", "lrp")]
    maps = {name: [] for name in report_alignment.MAPS}
    for place, pair in enumerate(pairs):
        for number, name in enumerate(maps):
            attribution = np.zeros((2, 4, 4), np.float32)
            attribution[:, number, place] = 1
            arrays = {"attribution": attribution, "label": index[1:], "target": index[1:], "index": index[1:],
                      "prediction": np.zeros((2, 3), np.float32)}  # fmt: skip
            maps[name].append(folder / f"{pair['method']}-{name}.h5")
            artifacts.write(maps[name][-1], artifacts.MAPS, arrays, {})
    return report_alignment.parts(tables, {"d": folder / "images.h5"}, maps, pairs, 2)


def page(parts):
    options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(report.TEMPLATE.parent), **options)
    environment.filters["table"] = report.to_html
    return environment.get_template("report_alignment.html.j2").render(**parts)


def test_verdicts_are_told_per_measure_and_masks(parts):
    (run,) = parts["bent"]
    assert run.name == "d: m (scratch), r, seed 0"
    assert [text.partition(":")[0] for text in run.sentences] == [
        "Mass, masks exact", "Rank, masks exact", "Mass, masks box", "Rank, masks box"
    ]  # fmt: skip
    assert run.sentences[0].startswith("Mass, masks exact: bent: gradient (0.5")
    assert "could not be bent: lrp (" in run.sentences[0]


def test_the_table_has_intervals_accuracies_and_what_became_of_the_loss(parts):
    (run,) = parts["bent"]
    assert "label" not in run.table
    row = run.table[run.table["method"] == "gradient"].iloc[0]
    assert row["accuracy (before, control, aligned, misaligned)"] == "0.900 / 0.900 / 0.900 / 0.900"
    assert row["fall of the loss"] == "0.50 / 0.50"
    assert " [0." in row["aligned - misaligned"]
    assert run.variant_table.columns.tolist() == ["method", "measure", "exact", "box"]
    last = run.curve_table.query("method == 'gradient' and direction == 'aligned'").iloc[0]
    assert (last["localisation at first"], last["localisation at last"]) == (0.4, 0.2)


def test_what_the_regression_finds_is_told(parts):
    (sentence, *_) = [text for text in parts["regressed"] if text.startswith("Mass, exact: method lrp")]
    assert "less than gradient" in sentence


def test_examples_are_the_images_of_the_maps_with_their_regions_and_three_maps_per_method(parts):
    (run,) = parts["bent"]
    ((name, methods, rows),) = run.examples
    assert (name, methods, len(rows)) == ("", ["gradient", "lrp"], 2)
    assert [row[2] for row in rows] == ["image 1, target 1", "image 2, target 2"]
    assert all(len(set(maps)) == 6 for _, _, _, maps in rows)
    assert rows[0][1] != rows[1][1]


def test_the_page_has_every_figure_with_the_table_behind_it(parts):
    html = page(parts)
    assert html.count("<svg") == 4
    for table in ("robustness_summary", "robustness", "alignment_curves", "robustness_regression",
                  "robustness_correlation"):  # fmt: skip
        assert f"tables/{table}.csv" in html
    texts = set(html.replace("<", ">").split(">"))
    assert {"gradient, exact", "lrp, box", "control", "misaligned", "aligned - misaligned"} <= texts


def test_without_copies_there_is_no_section():
    parts = report_alignment.parts({}, {}, {}, [], 2)
    assert page(parts).strip() == ""


def test_one_variant_of_masks_has_no_figure_of_variants(tables, monkeypatch):
    monkeypatch.setattr(figures_alignment, "differences", lambda *_: "<svg/>")
    monkeypatch.setattr(figures_alignment, "curves", lambda *_: "<svg/>")
    one = {name: table[table["masks"] == "exact"] for name, table in tables.items()}
    (run,) = report_alignment.runs(one, {"d": ""}, {}, 2)
    assert run.variants == ""
    assert "masks" not in run.table
    assert run.examples == []
