"""Recipes on the way from one loss to the other: found from the settings, and tabled by hand."""

import copy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from saliency_benchmark import config, interpolation, series

ROOT = Path(__file__).parent.parent
TINY = yaml.safe_load((ROOT / "tests" / "settings.yaml").read_text())


def composed(**options):
    return {"file": "composed", "options": {"parts": ["fp"]} | options}


def found(recipes, **parts):
    """(series, recipe, seed, interpolation) on the data set that all recipes are run on."""
    settings = config.complete(copy.deepcopy(TINY) | {"recipes": {"baseline": {}} | recipes} | parts)
    rows = [row for row in series.interpolations(settings) if row["dataset"] == "fashion"]
    return [(row["series"], row["recipe"], row["seed"], row["interpolation"]) for row in rows]


def test_recipes_that_differ_in_interpolation_alone_belong_together():
    recipes = {"b_0": composed(interpolation=0), "b_1": composed(interpolation=1)}
    assert found(recipes) == [("b_0", "b_0", 0, 0.0), ("b_0", "b_1", 0, 1.0)]


def test_seeds_of_their_own_are_no_difference():
    recipes = {"b_0": composed(interpolation=0) | {"seeds": [4]}, "b_1": composed(interpolation=1)}
    assert found(recipes, seeds=[0, 1]) == [("b_0", "b_0", 4, 0.0), ("b_0", "b_1", 0, 1.0), ("b_0", "b_1", 1, 1.0)]


def test_without_the_option_both_kinds_of_images_weigh_the_same_as_with_1():
    recipes = {"fp": composed(), "half": composed(interpolation=0.5), "composed": composed(interpolation=None)}
    assert [(name, value) for _, name, _, value in found(recipes)] == [("fp", 1), ("half", 0.5), ("composed", 1)]


@pytest.mark.parametrize(
    "recipes",
    [
        {"one": composed(interpolation=0)},
        {"one": composed(interpolation=0.5), "same": composed(interpolation=0.5)},
        {"one": composed(interpolation=0), "other": composed(interpolation=1, fill="blur")},
        {"one": composed(interpolation=0), "other": composed(interpolation=1, parts=["fp", "fl"])},
        {"one": composed(interpolation=0), "weighed": composed(weights={"masked": 2})},
        {"one": composed(interpolation=0), "ap": composed(parts=["ap"])},
        {"one": composed(interpolation=0), "mine": {**composed(interpolation=1), "file": "faithfulness_perturbation"}},
    ],
    ids=["one", "one value", "other fill", "other loss", "other weights", "no fp", "another file"],
)  # fmt: skip
def test_recipes_that_differ_otherwise_do_not(recipes):
    settings = config.complete(TINY)
    assert series.interpolations(settings | {"recipes": settings["recipes"] | recipes}) == []


def test_two_series_are_told_apart():
    steps, fl = (0, 1), {"parts": ["fp", "fl"]}
    recipes = {f"b_{step}": composed(interpolation=step) for step in steps}
    recipes |= {f"fl_{step}": composed(interpolation=step, **fl) for step in steps}
    assert [pair[:2] for pair in found(recipes)] == [
        *(("b_0", "b_0"), ("b_0", "b_1")),
        *(("fl_0", "fl_0"), ("fl_0", "fl_1")),
    ]


def test_a_data_set_has_the_series_of_the_recipes_that_are_run_on_it():
    settings = copy.deepcopy(TINY)
    settings["recipes"] = {"baseline": {}, "b_0": composed(interpolation=0), "b_1": composed(interpolation=1)}
    settings["datasets"]["planted"]["recipes"] = ["baseline", "b_1"]
    assert {row["dataset"] for row in series.interpolations(config.complete(settings))} == {"fashion"}


def test_the_study_of_reliability_in_small_has_five_steps():
    settings = config.complete(yaml.safe_load((ROOT / "experiments/reliability-quick.yaml").read_text()))
    rows = series.interpolations(settings)
    assert {row["interpolation"] for row in rows} == {0, 0.25, 0.5, 0.75, 1}
    assert {row["series"] for row in rows} == {"fp"}
    assert len(rows) == 3 + 4


def test_the_table_has_each_seed_with_its_interval_and_the_mean_of_those_that_have_an_alpha(tmp_path):
    columns = ["dataset", "model", "recipe", "seed", "metric", "group", "alpha", "low", "high", "family"]
    agreement = pd.DataFrame(
        [
            ["d", "m", "other", 0, "dauc", "all", 0.9, 0.8, 1.0, "f"],
            ["d", "m", "b_0", 0, "dauc", "all", 0.1, 0.0, 0.3, "f"],
            ["d", "m", "b_1", 0, "dauc", "all", 0.2, 0.1, 0.4, "f"],
            ["d", "m", "b_1", 1, "dauc", "all", 0.4, 0.2, 0.5, "f"],
            ["d", "m", "b_1", 2, "dauc", "all", np.nan, np.nan, np.nan, "f"],
        ],
        columns=columns,
    )
    agreement.to_csv(tmp_path / "agreement.csv", index=False)
    about = {"dataset": "d", "model": "m", "series": "b_0"}
    rows = [about | {"recipe": "b_0", "seed": 0, "interpolation": 0.0}]
    rows += [about | {"recipe": "b_1", "seed": seed, "interpolation": 1.0} for seed in range(3)]
    table = interpolation.read(tmp_path / "agreement.csv", rows)
    assert table.columns.tolist() == [
        *("dataset", "model", "seed", "metric", "group", "interpolation", "recipe", "alpha", "low", "high"),
        *("seeds", "family", "series"),
    ]
    shown = table[["recipe", "seed", "interpolation", "alpha", "low", "high", "seeds"]].astype(object)
    assert shown.where(shown.notna(), None).to_numpy().tolist() == [
        ["b_0", "0", 0, 0.1, 0.0, 0.3, 1],
        ["b_1", "0", 1, 0.2, 0.1, 0.4, 1],
        ["b_1", "1", 1, 0.4, 0.2, 0.5, 1],
        ["b_1", "2", 1, None, None, None, 0],
        ["b_0", "all", 0, 0.1, None, None, 1],
        ["b_1", "all", 1, pytest.approx(0.3), None, None, 2],
    ]
