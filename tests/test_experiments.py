"""The settings that ship beside the default run can be used, and say what they claim."""

import re
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from saliency_benchmark import alignment_design, config, initialisation, provenance, registry
from tests.test_architecture import ROOT

EXPERIMENTS = sorted((ROOT / "experiments").glob("*.yaml"))


# What users fill in before they run it: folders of images, a file of weights.
TO_BE_FILLED_IN = {
    "reliability",
    "reliability-cifar10-quick",
    "roar",
    "roar-cifar10-quick",
    "alignment",
    "alignment-natural-quick",
    "utility",
}
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


@pytest.mark.parametrize("name", ["reliability", "reliability-quick"])
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


def test_the_study_on_natural_images_asks_the_same_of_each_part_alone_and_of_all_together():
    small, natural = (
        yaml.safe_load((ROOT / f"experiments/{name}.yaml").read_text())
        for name in ("reliability-quick", "reliability-cifar10-quick")
    )
    assert list(natural["recipes"]) == ["baseline", *PARTS, "_".join(PARTS)]
    assert natural["recipes"].items() <= small["recipes"].items()
    for part in ("models", "seeds", "methods", "metrics", "scoring", "agreement"):
        assert natural[part] == small[part]


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


def roar_settings(name):
    return yaml.safe_load((ROOT / f"experiments/{name}.yaml").read_text())


def retrainings(roar, methods):
    return methods * len(roar["fractions"]) * len(roar["orders"]) * roar["repeats"]


def test_roar_has_every_estimator_that_the_paper_names_and_its_retrainings():
    settings = roar_settings("roar")
    bases = {"GRAD": "gradient", "IG": "integrated_gradients", "GB": "guided_backprop"}
    versions = {"SG": "smoothgrad", "SG-SQ": "smoothgrad_squared", "VAR": "vargrad", "SQ": "squared"}
    found = {label: (entry["file"], entry.get("options", {})) for label, entry in settings["methods"].items()}
    assert set(found) == {*bases, *(f"{version}-{base}" for version in versions for base in bases), "Random", "Sobel"}
    assert len(found) == 17
    integrated = {"steps": 25, "rule": "riemann_right", "baseline": "black"}
    assert found["IG"] == ("integrated_gradients", integrated)
    for version, file in versions.items():
        for base, base_file in bases.items():
            name, options = found[f"{version}-{base}"]
            assert (name, options.get("base", "gradient")) == (file, base_file)
            assert options.get("base_options", {}) == (integrated if base == "IG" else {})
            assert (options.get("samples"), options.get("noise")) == ((None, None) if version == "SQ" else (15, 0.15))
    assert retrainings(settings["roar"], len(found)) == 850


@pytest.mark.parametrize(
    ("dataset", "images", "steps"),
    [("imagenet", 1_281_167, 32_000), ("food101", 75_750, 20_000), ("birdsnap", 47_386, 20_000)],
)
def test_roar_trains_for_the_published_steps_with_five_epochs_of_warm_up(dataset, images, steps):
    settings = roar_settings("roar")
    training = settings["training"] | settings["datasets"][dataset]["training"]
    per_epoch = images // training["batch_size"]
    assert abs(training["epochs"] * per_epoch - steps) <= per_epoch / 2
    assert training["warmup"] * training["epochs"] == pytest.approx(5, abs=0.01)
    assert training["milestones"] == [epoch for epoch in (30, 60, 80) if epoch < training["epochs"]]
    assert settings["recipes"]["smoothed"]["options"] == {"smoothing": 0.1}


def test_roar_in_small_has_what_checks_roar_and_few_enough_retrainings():
    settings = roar_settings("roar-quick")
    roar, methods = settings["roar"], settings["methods"]
    files = [entry.get("file", label) for label, entry in methods.items()]
    assert {"gradient", "smoothgrad", "smoothgrad_squared", "vargrad", "squared", "gaussian_filtered"} < {*files}
    assert {"integrated_gradients", "guided_backprop", "grad_cam", "random", "sobel"} < {*files}
    assert retrainings(roar, len(methods)) == 360
    assert len(methods) * len(roar["orders"]) * len(roar["leakage"]) * roar["leakage_repeats"] == 72
    recursive = roar["recursive"]
    assert len(recursive["methods"]) * len(recursive["fractions"]) * roar["repeats"] == 30
    assert recursive["fractions"] == roar["fractions"]
    bundled = [label for members in settings["explain"]["together"].values() for label in members]
    assert sorted(bundled) == sorted(methods)
    assert {"road_morf", "road_lerf"} == {*settings["metrics"]}


def test_alignment_at_the_published_scale_has_its_copies_and_the_published_fine_tuning():
    settings = yaml.safe_load((ROOT / "experiments/alignment.yaml").read_text())
    alignment, models = settings["alignment"], settings["models"]
    assert len(models) * len(alignment["methods"]) * len(alignment["labels"]) * 2 == 648
    assert {entry["options"]["name"] for entry in models.values()} == {"densenet201", "vit_b_16", "swin_b"}
    assert Counter(entry.get("initialisation", "scratch") for entry in models.values()) == dict.fromkeys(
        ("scratch", "imagenet21k", "radimagenet"), 3
    )
    defaults = config.SCHEMA["properties"]["alignment"]["properties"]
    for name in ("epochs", "batch_size", "accumulation", "learning_rate", "weight_decay", "clip"):
        assert alignment[name] == defaults[name]["default"]
    training = settings["training"] | settings["datasets"]["chexpert"]["training"]
    steps = 191_027 // training["batch_size"]
    assert abs(training["epochs"] * steps - 150_000) <= steps / 2
    assert training["warmup"] * training["epochs"] * steps == pytest.approx(2_000, rel=0.02)


def test_alignment_in_small_has_five_architectures_twice_and_few_enough_copies(monkeypatch):
    monkeypatch.chdir(ROOT)
    full = config.complete(yaml.safe_load((ROOT / "experiments/alignment-quick.yaml").read_text()))
    rows = alignment_design.pairs(full)
    assert Counter(row["initialisation"] for row in rows) == {"scratch": 15, "fashion": 15}
    names = {(initialisation.architecture(full, "planted", row["model"]), row["initialisation"]) for row in rows}
    assert {name for name, _ in names} == {"cnn", "resnet", "densenet", "vit", "swin"}
    assert len(names) == 10


def test_alignment_on_natural_images_fine_tunes_as_on_planted_ones_and_shows_animals_among_vehicles():
    small, natural = (
        yaml.safe_load((ROOT / f"experiments/{name}.yaml").read_text())
        for name in ("alignment-quick", "alignment-natural-quick")
    )
    assert natural["alignment"] | {"datasets": ["planted"]} == small["alignment"]
    for part in ("methods", "metrics", "recipes"):
        assert natural[part] == small[part]
    for label, entry in natural["models"].items():
        assert entry | {"pretrained": None} == small["models"][label] | {"pretrained": None}
    grids = natural["datasets"]["grids"]["options"]
    assert grids["of_options"]["root"] == natural["datasets"]["photos"]["options"]["root"]
    known = registry.load("datasets", "cifar10", {}).CLASSES
    assert {*known} - {*grids["objects"]} == {"airplane", "automobile", "ship", "truck"}
    assert registry.load("datasets", "image_grid", {}).shape(**grids) == (3, 64, 64)
