"""Alignment as a stage of the workflow: a model pre-trained on other data, its copies, their tables; what reruns."""

from collections import Counter

import pandas as pd
import pytest
import yaml

from saliency_benchmark import alignment_design, artifacts
from tests.snakes import ROOT, jobs, snakemake

pytestmark = pytest.mark.workflow
PLANTED = {"train": 60, "test": 20, "rows": 28, "columns": 28, "smallest": 14, "largest": 20}
SETTINGS = {
    "datasets": {
        "fashion": {"file": "fashion_mnist", "options": {"train": 60, "test": 20, "channels": 3}},
        "planted": {"options": PLANTED, "models": ["after_fashion"]},
    },
    "models": {
        "small_cnn": {"options": {"width": 2}},
        "after_fashion": {"file": "small_cnn", "options": {"width": 2}, "pretrained": {"dataset": "fashion"}},
    },
    "recipes": {"baseline": {}},
    "training": {"epochs": 1, "batch_size": 20},
    "methods": {"gradient": {}, "grad_cam": {}},
    "metrics": {"pointing_game": {}},
    "alignment": {"methods": ["gradient"], "images": 24, "test_images": 10, "epochs": 2},
}
MADE = ("robustness", "alignment_models", "alignment_curves", "robustness_summary", "robustness_regression")
TABLES = [f"results/tables/{name}.csv" for name in MADE]
CONCLUDED = Counter(summarise_robustness=1, regress_robustness=1)


def words(folder, **alignment):
    path = folder.parent / "settings.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | {"alignment": SETTINGS["alignment"] | alignment}))
    return [*TABLES, "--configfile", path]


def test_copies_are_made_scored_and_made_again_only_where_they_changed(tmp_path):
    folder = tmp_path / "run"
    first = Counter(prepare_images=3, train=2, align=2, align_control=1, bend=1, tabulate=3) + CONCLUDED
    assert jobs(ROOT, folder, *words(folder)) == first
    snakemake(ROOT, folder, *words(folder))
    table, models, curves, summary, regression = (pd.read_csv(folder / path) for path in TABLES)
    assert len(table) == 10 * len(alignment_design.MEASURES)
    assert set(table["initialisation"]) == {"fashion"}
    assert set(table["model"]) == {"small_cnn"}
    assert set(models["direction"]) == {"before", "control", "aligned", "misaligned"}
    assert len(curves) == 3 * 3
    row = summary[(summary["label"] == "all") & (summary["measure"] == "mass")].iloc[0]
    assert row["mean"] == pytest.approx(table.loc[table["measure"] == "mass", "difference"].mean())
    assert row[["accuracy_before", "accuracy_control", "fall_aligned", "fall_misaligned"]].notna().all()
    assert set(regression["measure"]) == set(alignment_design.MEASURES)
    whole = folder / "results/planted/after_fashion/baseline/seed-0"
    maps = artifacts.read(whole / "alignment/exact/all/gradient/misaligned/maps.h5", artifacts.MAPS)
    assert len(maps["index"]) == 10
    for changed, expected in [
        ({"pixels": 5}, Counter()),
        ({"weight": 2}, Counter(align=2, bend=1, tabulate=3) + CONCLUDED),
        ({"methods": ["gradient", "grad_cam"], "test_images": 5}, Counter(align=2, bend=2, tabulate=3) + CONCLUDED),
    ]:
        assert jobs(ROOT, folder, *words(folder, **changed)) == expected, changed
