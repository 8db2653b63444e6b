"""The settings that ship beside the default run can be used, and say what they claim."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from saliency_benchmark import config, provenance, registry
from tests.test_architecture import ROOT

EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))


# What users fill in before they run it: folders of images, a file of weights.
TO_BE_FILLED_IN = {"reliability", "reliability-cifar10-quick"}
METRICS = ["dauc", "iauc", "dc", "ic", "dc_nc", "ic_nc", "ad", "add"]
PARTS = ["fp", "ap", "fl"]


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_sound_but_for_what_is_to_be_filled_in(path, monkeypatch):
    monkeypatch.chdir(ROOT)
    try:
        settings, problems = config.complete(yaml.safe_load(path.read_text())), []
    except ValueError as error:
        settings, problems = None, str(error).splitlines()[1:]
    if path.stem in TO_BE_FILLED_IN:
        assert problems
        assert not [problem for problem in problems if not re.search("there is no (folder|file) '/data/", problem)]
    else:
        assert settings["metrics"]


@pytest.mark.parametrize("name", ["reliability", "reliability-quick", "reliability-cifar10-quick"])
def test_a_study_of_reliability_has_every_subset_of_the_recipes_parts_three_groups_and_the_metrics(name):
    settings = yaml.safe_load((ROOT / f"experiments/{name}.yaml").read_text())
    found = {label: entry.get("options", {}).get("parts", []) for label, entry in settings["recipes"].items()}
    subsets = [list(chosen) for size in range(4) for chosen in combinations(PARTS, size)]
    assert [found["_".join(subset) or "baseline"] for subset in subsets] == subsets
    files = [registry.file("methods", label, entry) for label, entry in settings["methods"].items()]
    groups = Counter(provenance.constant(path, "GROUP") for path in files)
    assert groups.keys() == {"cam", "backpropagation", "perturbation"}
    assert min(groups.values()) >= 3
    assert set(METRICS) <= settings["metrics"].keys()
    assert len(settings["seeds"]) >= 3


@pytest.mark.parametrize("name", ["reliability", "reliability-quick"])
def test_a_study_of_reliability_leads_from_the_baseline_to_fp(name):
    recipes = yaml.safe_load((ROOT / f"experiments/{name}.yaml").read_text())["recipes"]
    steps = {
        entry["options"]["interpolation"] for entry in recipes.values() if "interpolation" in entry.get("options", {})
    }
    assert steps == {0, 0.25, 0.5, 0.75, 1}
    weights_of = registry.load("recipes", "composed", {}).weights_of
    assert weights_of(["fp"], recipes["fp"]["options"]["interpolation"]) == weights_of(["fp"])


def test_every_metric_holds_every_metric():
    settings = yaml.safe_load(Path(ROOT / "experiments/every-metric.yaml").read_text())
    assert sorted(settings["metrics"]) == registry.names("metrics")
