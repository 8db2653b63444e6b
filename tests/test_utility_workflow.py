"""Questions, maps and simulated users as a stage of the workflow, and what reruns."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest
import yaml

from saliency_benchmark import artifacts
from tests.snakes import ROOT, jobs, snakemake

pytestmark = pytest.mark.workflow
TASK = "counterfactual_simulation"
SETTINGS = {
    "datasets": {"fashion": {"file": "fashion_mnist", "options": {"train": 300, "test": 200}}},
    "models": {"small_cnn": {"options": {"width": 4}}},
    "recipes": {"baseline": {}},
    "training": {"epochs": 2, "batch_size": 20},
    "methods": {"gradient": {}, "grad_cam": {}, "random": {}},
    "metrics": {"sparseness": {}},
    "utility": {
        "tasks": [TASK],
        "methods": ["gradient"],
        "training_items": 16,
        "evaluation_items": 8,
        "sizes": [4, 16],
        "reader_sizes": [8],
        "repeats": 1,
    },
}
OWN = "results/fashion/small_cnn/baseline"
MADE = ["results/tables/utility.csv", "results/tables/utility_summary.csv", f"{OWN}/seed-0/utility/{TASK}/items.h5"]


def words(folder, wanted=MADE, **utility):
    path = folder.parent / "settings.yaml"
    path.write_text(yaml.safe_dump(SETTINGS | {"utility": SETTINGS["utility"] | utility}))
    return [*wanted, "--configfile", path]


def test_items_are_made_answered_and_made_again_only_where_they_changed(tmp_path):
    folder = tmp_path / "run"
    concluded = Counter(tabulate=1, summarise_utility=1)
    first = Counter(prepare_images=2, train=1, pose_simulation=1, explain_items=1, control_items=1, join_items=1,
                    simulate=5) + concluded  # fmt: skip
    assert jobs(ROOT, folder, *words(folder)) == first
    snakemake(ROOT, folder, *words(folder))
    table, summary = (pd.read_csv(folder / path) for path in MADE[:2])
    assert list(table.columns[:6]) == ["dataset", "model", "recipe", "task", "explanation", "seed"]
    names = ["none", "oracle", "random", "other_image", "gradient"]
    assert list(dict.fromkeys(table["explanation"])) == names
    # Agents and students at two sizes, readers at one, and each once more with shuffled labels.
    assert len(table) == len(names) * (3 + 3 + 2)
    assert set(table["evaluation_items"]) == {8}
    assert set(summary["explanation"]) == set(names)
    items = artifacts.read(folder / MADE[2], artifacts.ITEMS)
    assert artifacts.facts(folder / MADE[2], artifacts.ITEMS)["classes"][9] == "Ankle boot"
    assert [name.decode() for name in items["explanation"]] == names
    assert items["answer"][items["training"]].mean() == items["answer"][~items["training"]].mean() == 0.5
    assert not set(items["index"][items["training"]]) & set(items["index"][~items["training"]])
    assert np.array_equal(items["map"][:, 1, 0].any((1, 2)), items["answer"] == 0)
    for changed, expected in [
        ({"methods": ["gradient", "grad_cam"]}, Counter(explain_items=1, join_items=1, simulate=1) + concluded),
        ({"lapse": 0.1}, Counter(simulate=5) + concluded),
    ]:
        assert jobs(ROOT, folder, *words(folder, **changed)) == expected, changed


def test_a_clean_and_a_mislabelled_model_are_trained_for_each_pair(tmp_path):
    selection = {"tasks": ["model_selection"], "pairs": [[1, 3], [0, 1]]}
    expected = Counter(prepare_images=2, mislabel=4, pose_selection=1, explain_items=1, control_items=1, simulate=5,
                       tabulate=1, summarise_utility=1)  # fmt: skip
    assert jobs(ROOT, tmp_path / "run", *words(tmp_path / "run", MADE[:2], **selection)) == expected
