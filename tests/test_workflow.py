"""The whole workflow on tiny settings, as a user runs it: what comes out, and what is out of date when."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from saliency_benchmark import artifacts, audit, config, lineage, provenance, run_records
from tests.snakes import ROOT, command_line, copy_project, edit, jobs, snakemake, wildcards

pytestmark = pytest.mark.workflow
SETTINGS = ROOT / "tests" / "settings.yaml"
ROAR = yaml.safe_load(SETTINGS.read_text())["roar"]
MODEL = "results/fashion/small_cnn/baseline/seed-0"
# What the tiny settings hold: 3 models, 5 methods (the oracle on planted only), 2 metrics on fashion and 3 on planted.
ALL = Counter(prepare_images=4, train=3, assess=3, attribute=15, rank=4, degrade=2, retrain=4, retrain_ends=2,
              probe=13, agree=7, agree_metrics=3, compare=2, tabulate=10, tabulate_scores=1, tabulate_map_quality=1,
              tabulate_roar=1, tabulate_ends=1, summarise_roar=1, agree_protocols=1, check_roar=1,
              report=1)  # fmt: skip
# The report tells all settings, those too that change no number.
TOLD = Counter(report=1)
COLUMNS = {
    "models": "dataset model recipe seed split input accuracy ece adaptive_ece classwise_ece",
    "calibration": "dataset model recipe seed split input bin low high confidence accuracy images",
    "scores": "dataset model recipe seed method metric image score",
    "summary": "dataset model recipe seed method group metric direction mean low high mean_rank images invalid",
    "agreement": "dataset model recipe seed metric group alpha low high level images methods invalid kendalls_w",
    "metric_agreement": "dataset model recipe seed family group alpha low high order_alpha images unpaired metrics",
    "benchmark_size": "dataset model recipe seed metric group winner minimum_images available_images",
    "benchmark_size_curve": "dataset model recipe seed metric group winner images exact resampled",
    "ranking": "dataset model recipe seed metric group method mean_rank low high first_share tied_for_first images",
    "agreement_difference": "dataset model recipe baseline seed metric group difference low high",
    "map_quality": "dataset model recipe seed method split image target sum positive_share zero_share invalid",
    "roar": "dataset model recipe seed method order fill unit fraction repeat accuracy",
    "roar_ends": "dataset model recipe seed fill fraction repeat accuracy",
    "roar_summary": "dataset model recipe seed method order area_score low high beats_random",
    "masked_accuracy": "dataset model recipe seed method order fill unit fraction accuracy",
    "protocol_agreement": "dataset model recipe seed group first second spearman low high methods",
    "roar_check": "order retrained removed accuracy",
}


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A copy of the project, and a folder in which it has run once."""
    project, folder = copy_project(tmp_path_factory.mktemp("project")), tmp_path_factory.mktemp("run")
    assert jobs(project, folder) == ALL
    snakemake(project, folder)
    return project, folder


@pytest.fixture
def run(first, tmp_path):
    """Copies of both, free to be changed."""
    for source, name in zip(first, ("project", "run"), strict=True):
        shutil.copytree(source, tmp_path / name)
    return tmp_path / "project", tmp_path / "run"


def settings(folder: Path, **parts: object) -> list[object]:
    """Words for Snakemake: the tiny settings with PARTS changed."""
    path = folder.parent / "settings.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(SETTINGS.read_text()) | parts, sort_keys=False))
    return ["--configfile", path]


def test_gives_a_report_and_every_table_with_its_columns(first):
    _, folder = first
    html = (folder / "results/report.html").read_text()
    assert "Krippendorff" in html
    assert not re.findall(r"(?:src|href)=.?http|url\(http|@import", html)
    for table, columns in COLUMNS.items():
        found = list(pd.read_csv(folder / f"results/tables/{table}.csv").columns)
        assert found[: len(columns.split())] == columns.split()


def test_every_score_of_the_table_is_there_once(first):
    _, folder = first
    scores = pd.read_csv(folder / "results/tables/scores.csv")
    assert len(scores) == 20 * (2 * 4 * 2 + 5 * 3)
    assert not scores.duplicated(["dataset", "model", "recipe", "seed", "method", "metric", "image"]).any()


def test_every_map_of_the_test_images_is_told_of_once(first):
    _, folder = first
    maps = pd.read_csv(folder / "results/tables/map_quality.csv")
    assert len(maps) == 20 * (2 * 4 + 5)
    assert not maps.duplicated(["dataset", "model", "recipe", "seed", "method", "image"]).any()
    assert (maps["invalid"] == 0).all()
    assert maps.loc[maps["method"] == "random", "positive_share"].eq(1).all()


def test_a_bundle_is_one_job_gives_the_same_maps_and_tells_whose_are_whose(run):
    project, folder = run
    one, other = (folder / MODEL / "maps" / method / "test.h5" for method in ("gradient", "smoothgrad_3"))
    before = {path: path.read_bytes() for path in (one, other)}
    explain = {"together": {"both": ["gradient", "smoothgrad_3"]}}
    found = jobs(project, folder, *settings(folder, explain=explain))
    assert found["attribute_both"] == 4
    assert "attribute" not in found
    snakemake(project, folder, one.relative_to(folder), *settings(folder, explain=explain))
    for path, content in before.items():
        with h5py.File(path) as now:
            old = folder.parent / "old.h5"
            old.write_bytes(content)
            with h5py.File(old) as then:
                assert np.allclose(now["attribution"], then["attribution"], atol=1e-6)
    assert jobs(project, folder, *settings(folder, explain=explain))["attribute_both"] == 3
    one.rename(folder / "x"), other.rename(one), (folder / "x").rename(other)
    assert jobs(project, folder, *settings(folder, explain=explain))["attribute_both"] == 4


def test_every_artifact_says_what_made_it_without_clock_host_or_path(first):
    _, folder = first
    for path in (folder / "results").rglob("*.h5"):
        with h5py.File(path) as file:
            assert {"kind", "content", "origin"} <= set(file.attrs)
            assert str(folder) not in file.attrs["origin"]
    for path in [*(folder / "results").rglob("*.csv"), folder / "results/report.html"]:
        note = json.loads(Path(f"{path}.origin.json").read_text())
        assert note.keys() == {"kind", "content", "origin"}
        assert str(folder) not in json.dumps(note)


def test_each_job_leaves_a_log_and_long_work_tells_its_rate(first):
    _, folder = first
    text = (folder / "results/logs/fashion/small_cnn/baseline/seed-0/train.log").read_text()
    assert "images/s" in text
    assert "s left" in text


def test_a_second_run_finds_nothing_to_do(first):
    project, folder = first
    assert jobs(project, folder) == Counter()
    assert "Nothing to be done" in (shown := snakemake(project, folder)).stdout + shown.stderr


def test_touching_every_file_reruns_nothing(run):
    project, folder = run
    for number, path in enumerate([*project.rglob("*"), *(folder / "results").rglob("*")]):
        os.utime(path, (time.time() - number % 1000, time.time() - number * 7 % 1000))
    assert jobs(project, folder) == Counter()


def test_comments_docstrings_and_layout_rerun_nothing(run):
    project, folder = run
    for path in [*(project / "saliency_benchmark").rglob("*.py"), *(project / "workflow_scripts").glob("*.py")]:
        text = path.read_text()
        path.write_text('"""Quite other words."""\n\n\n' + text.split('"""', 2)[2] + "\n\n# The end.\n")
    assert jobs(project, folder) == Counter()


def test_results_copied_into_a_fresh_clone_stay_valid(first, tmp_path):
    project, folder = copy_project(tmp_path / "clone"), tmp_path / "elsewhere"
    for path in (first[1] / "results").rglob("*"):
        if path.is_file():
            target = folder / path.relative_to(first[1])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    assert jobs(project, folder) == Counter()


def test_a_clone_with_results_and_other_settings_reruns_what_they_change(first, tmp_path):
    project, folder = copy_project(tmp_path / "clone"), tmp_path / "elsewhere"
    shutil.copytree(first[1] / "results", folder / "results", copy_function=shutil.copyfile)
    found = jobs(project, folder, *settings(folder, metrics={"dauc": {}, "dc": {}, "pointing_game": {}},
                                            agreement={"resamples": 200}))  # fmt: skip
    assert found == Counter(agree=7, agree_metrics=3, compare=2, tabulate=7, tabulate_scores=1, report=1)


def test_a_new_method_runs_its_own_jobs_agreement_and_report(run):
    project, folder = run
    code = (project / "saliency_benchmark/methods/input_x_gradient.py").read_text()
    (project / "saliency_benchmark/methods/brand_new.py").write_text(code)
    methods = yaml.safe_load(SETTINGS.read_text())["methods"] | {"brand_new": {}}
    words = settings(folder, methods=methods)
    assert jobs(project, folder, *words) == Counter(
        attribute=3,
        probe=3,
        agree=7,
        agree_metrics=3,
        compare=2,
        tabulate=7,
        tabulate_scores=1,
        tabulate_map_quality=1,
        report=1,
    )
    named = [row["method"] for row in wildcards(project, folder, *words) if "method" in row]
    assert set(named) == {"brand_new"}
    roar = ROAR | {"methods": ["gradient", "random", "brand_new"]}
    assert jobs(project, folder, *settings(folder, methods=methods, roar=roar)) == Counter(
        attribute=4, rank=2, degrade=1, retrain=2, probe=3, agree=7, agree_metrics=3, compare=2, tabulate=8,
        tabulate_scores=1, tabulate_map_quality=1,
        tabulate_roar=1, summarise_roar=1, agree_protocols=1, report=1)  # fmt: skip


@pytest.mark.parametrize("how", ["code", "older code", "options"])
def test_one_metric_reruns_its_own_scores_agreement_and_report(run, how):
    project, folder = run
    words = []
    if how == "options":
        metrics = {"dauc": {}, "dc": {}, "pointing_game": {}, "relevance_rank": {"options": {"seed": 3}}}
        snakemake(project, folder, *settings(folder, metrics=metrics))
        metrics["relevance_rank"]["options"]["seed"] = 4
        words, metric, number = settings(folder, metrics=metrics), "relevance_rank", 1
    else:
        metric, number = "dauc", 3
        path = project / "saliency_benchmark/metrics/dauc.py"
        if how == "code":
            path.write_text(path.read_text().replace("curves.area(deletion)", "curves.area(deletion) + 0"))
        else:
            edit(path, "curves.area(deletion)", "curves.area(deletion) + 0")
    # Two recipes are compared on fashion alone, where no metric needs regions.
    compared = Counter(compare=1, tabulate=1) if number > 1 else Counter()
    expected = Counter(agree=number, agree_metrics=number, tabulate=6, tabulate_scores=1, report=1) + compared
    assert jobs(project, folder, *words) == expected
    assert {row["metric"] for row in wildcards(project, folder, *words) if "metric" in row} == {metric}


def test_a_metric_that_reads_what_is_stored_asks_no_model(run):
    project, folder = run
    metrics = yaml.safe_load(SETTINGS.read_text())["metrics"] | {"ic": {}, "score_behaviour": {}, "sparseness": {}}
    found = jobs(project, folder, *settings(folder, metrics=metrics))
    assert found == Counter(agree=9, agree_metrics=3, compare=3, tabulate=7, tabulate_scores=1, report=1)


def test_what_no_method_changes_is_asked_once_per_model(run):
    project, folder = run
    metrics = yaml.safe_load(SETTINGS.read_text())["metrics"] | {"dc_nc": {}, "ic_nc": {}}
    words = settings(folder, metrics=metrics)
    expected = Counter(probe_model=3, agree=6, agree_metrics=3, compare=2, tabulate=7, tabulate_scores=1, report=1)
    assert jobs(project, folder, *words) == expected
    snakemake(project, folder, *words)
    with h5py.File(folder / MODEL / "readings/cells.h5") as file:
        assert file["without.probability"].shape == (20, 7, 7)
    scores = pd.read_csv(folder / "results/tables/scores.csv")
    assert scores.query("metric == 'dc_nc'").groupby(["dataset", "recipe", "method"]).size().eq(20).all()
    assert jobs(project, folder, *words) == Counter()


def test_probes_in_one_job_read_what_they_read_alone_and_are_fresh_together(run):
    project, folder = run
    metrics = yaml.safe_load(SETTINGS.read_text())["metrics"] | {"aopc": {}, "avg_sensitivity": {}}
    probes = {"perturbation": {"options": {"steps": 4}}, "patches": {}, "neighbours": {"options": {"draws": 2}}}
    parts = {"metrics": metrics, "probes": probes}
    places = [f"{MODEL}/readings/{probe}/gradient.h5" for probe in probes]
    snakemake(project, folder, *places, *settings(folder, **parts))
    alone = [artifacts.read(folder / place, artifacts.READINGS) for place in places]
    together = settings(folder, **parts, scoring={"together": {"all_at_once": list(probes)}})
    found = jobs(project, folder, *together)
    assert found["probe_all_at_once"] == 13
    assert "probe" not in found
    snakemake(project, folder, *places, *together)
    for place, before in zip(places, alone, strict=True):
        now = artifacts.read(folder / place, artifacts.READINGS)
        assert before.keys() == now.keys()
        assert all(np.array_equal(before[name], now[name], equal_nan=True) for name in now), place
    assert jobs(project, folder, *together)["probe_all_at_once"] == 12


def test_recipes_on_the_way_from_one_loss_to_another_are_tabled_once(first, tmp_path):
    project, _ = first
    steps = {f"b_{b}": {"file": "composed", "options": {"parts": ["fp"], "interpolation": b}} for b in (0, 0.5, 1)}
    words = settings(tmp_path / "run", recipes={"baseline": {}} | steps)
    found = jobs(project, tmp_path, *words)
    assert (found["train"], found["tabulate_interpolation"]) == (5, 1)


def test_who_asks_for_one_file_gets_what_it_needs_and_nothing_else_that_is_out_of_date(run):
    project, folder = run
    words = settings(folder, training={"epochs": 1, "batch_size": 10})
    assert jobs(project, folder, f"{MODEL}/maps/gradient/test.h5", *words) == Counter(train=1, attribute=1)
    # Of seeds that are asked for no more nothing is made again.
    (folder / "results/fashion/small_cnn/baseline/seed-7").mkdir()
    source, left = (folder / f"results/fashion/small_cnn/baseline/seed-{seed}/model.h5" for seed in (0, 7))
    left.write_bytes(source.read_bytes())
    assert "seed-7" not in str(wildcards(project, folder, *words))
    assert {row["seed"] for row in wildcards(project, folder, *words) if "seed" in row} == {"0"}


def test_masking_code_reruns_what_masks_and_no_training_and_no_map(run):
    project, folder = run
    edit(
        project / "saliency_benchmark/masking.py",
        "return round(fraction * entries)",
        "return int(round(fraction * entries))",
    )
    assert jobs(project, folder) == Counter(
        rank=4, degrade=2, retrain=4, retrain_ends=2, probe=13, agree=6, agree_metrics=3, compare=2, tabulate=8,
        tabulate_scores=1, tabulate_roar=1, tabulate_ends=1, summarise_roar=1, agree_protocols=1,
        report=1)  # fmt: skip


CHECKS = {"leakage": [0.5], "leakage_repeats": 2, "recursive": {"methods": ["gradient", "random"], "fractions": [0.5]}}
CHECKED = [f"results/tables/{name}.csv" for name in ("roar", "leakage", "recursive_roar")]


@pytest.fixture(scope="module")
def checked(first, tmp_path_factory):
    """The run with what checks ROAR."""
    project, folder = first[0], shutil.copytree(first[1], tmp_path_factory.mktemp("checked") / "run")
    snakemake(project, folder, *CHECKED, *settings(folder, roar=ROAR | CHECKS))
    return folder


def test_checks_of_roar_have_tables_and_a_later_fraction_adds_its_own_steps_alone(first, checked):
    plain, leakage, steps = (pd.read_csv(checked / path) for path in CHECKED)
    rows = [[method, 0.5, repeat] for method in ("gradient", "random") for repeat in (0, 1)]
    assert leakage[["method", "fraction", "repeat"]].to_numpy().tolist() == rows
    assert list(leakage.columns[-2:]) == ["accuracy", "chance"]
    # The same seeds: the first step is plain ROAR's, with its ends.
    pd.testing.assert_frame_equal(steps, plain)
    for fractions, number in (([0.7, 0.5], 4), ([0.2, 0.5], 8)):
        recursive = {"recursive": CHECKS["recursive"] | {"fractions": fractions}}
        found = jobs(first[0], checked, *CHECKED, *settings(checked, roar=ROAR | CHECKS | recursive))
        assert (found["recurse"], found["tabulate_recursive_roar"]) == (number, 1)
        assert not found.keys() & {"leak", "retrain", "rank", "attribute", "train", "tabulate_roar"}


def test_another_whole_percent_leaves_the_order_of_removal_as_it_is(run):
    project, folder = run
    roar = ROAR | {"fractions": [0.5, 0.31]}
    expected = Counter(degrade=2, retrain=4, tabulate=1, tabulate_roar=1, summarise_roar=1, agree_protocols=1, report=1)
    assert jobs(project, folder, *settings(folder, roar=roar)) == expected


def test_another_baseline_is_one_training_more(run):
    project, folder = run
    roar = ROAR | {"baselines": 3}
    assert jobs(project, folder, *settings(folder, roar=roar)) == Counter(retrain_ends=1, tabulate_ends=1, report=1)


def test_a_training_setting_reruns_the_models_and_never_the_images(run):
    project, folder = run
    found = jobs(project, folder, *settings(folder, training={"epochs": 1, "batch_size": 10}))
    assert found == ALL - Counter(prepare_images=4, check_roar=1)


def test_how_often_a_training_saves_its_state_is_no_change(run):
    project, folder = run
    training = {"epochs": 1, "batch_size": 20, "checkpoint": 0}
    assert jobs(project, folder, *settings(folder, training=training)) == TOLD
    left = folder / MODEL / ".model.h5.checkpoint"
    left.write_bytes(b"what a killed job of other settings left")
    assert jobs(project, folder) == Counter()
    (folder / MODEL / "model.h5").unlink()
    snakemake(project, folder, f"{MODEL}/model.h5", *settings(folder, training=training))
    assert not list((folder / "results").rglob("*.checkpoint"))
    log = folder / "results/logs/fashion/small_cnn/baseline/seed-0/train.log"
    assert ".model.h5.checkpoint cannot be read" in log.read_text()
    assert jobs(project, folder, *settings(folder, training=training)) == TOLD


def test_how_many_fractions_train_side_by_side_is_no_change_and_a_redrawn_control_concerns_itself_alone(run):
    project, folder = run
    assert jobs(project, folder, *settings(folder, roar=ROAR | {"together": 3, "control": "fixed"})) == TOLD
    redrawn = settings(folder, roar=ROAR | {"control": "redrawn"})
    assert jobs(project, folder, *redrawn)["retrain"] == 2
    assert {row["method"] for row in wildcards(project, folder, *redrawn) if "method" in row} == {"random"}


def test_retrainings_are_the_same_whichever_jobs_do_them(first, checked, tmp_path):
    project, folder = first[0], shutil.copytree(checked, tmp_path / "run")
    places = [f"roar/{kind}/pixel/remove" for kind in ("mean", "leakage")]
    made = [
        path for place in (*places, "roar/mean/ends", "recursive_roar") for path in (folder / MODEL / place).rglob("*")
    ]
    files = {path: path.read_bytes() for path in made if path.is_file()}
    # Two repeats each: of two methods with what they leak, of the ends, of a step of two methods with two rank maps.
    # Beside each table, what it says of itself.
    assert len(files) == 2 * 2 * (2 + 2 + 1) + 2 * 2 * (2 + 2)
    both, chunk = {"bundles": {"both": ["gradient", "random"]}}, {"repeats_per_job": 2}
    cuts = {"{}_repeat_0_to_1": (chunk, 2), "{}_both": (both, 2), "{}_both_repeat_0_to_1": (both | chunk, 1)}
    for name, (cut, number) in cuts.items():
        words = settings(folder, roar=ROAR | CHECKS | cut)
        assert jobs(project, folder, *CHECKED, *words) == Counter()
        for path in files:
            path.unlink()
        wanted = {name.format(stage): number for stage in ("retrain", "leak", "recurse")}
        wanted |= {"retrain_ends_repeat_0_to_1": 1} if "repeats_per_job" in cut else {"retrain_ends": 2}
        found = jobs(project, folder, *CHECKED, *words)
        assert {rule: found[rule] for rule in wanted} == wanted
        snakemake(project, folder, *CHECKED, *words)
        assert {path: path.read_bytes() for path in files} == files
    assert jobs(project, folder, *CHECKED, *settings(folder, roar=ROAR | CHECKS)) == Counter()


def test_a_training_setting_of_one_data_set_leaves_the_other_alone(run):
    project, folder = run
    datasets = yaml.safe_load(SETTINGS.read_text())["datasets"]
    datasets["planted"]["training"] = {"epochs": 2}
    rows = wildcards(project, folder, *settings(folder, datasets=datasets))
    assert {row["dataset"] for row in rows if "dataset" in row} == {"planted"}


def test_a_plotting_library_of_another_version_reruns_the_report(run, monkeypatch):
    project, folder = run
    other = folder.parent / "site" / "matplotlib-99.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: matplotlib\nVersion: 99.0\n")
    monkeypatch.setenv("PYTHONPATH", str(other.parent))
    assert jobs(project, folder) == Counter(report=1)


def test_what_the_report_alone_shows_reruns_the_report_alone(run):
    project, folder = run
    assert jobs(project, folder, *settings(folder, report={"examples": 3})) == Counter(report=1)


def test_a_default_spelled_out_is_no_change(run):
    project, folder = run
    words = settings(folder, explain={"target": "prediction"}, scoring={"images": 1000}, seeds=[0])
    shown = jobs(project, folder, *words)
    assert shown == Counter()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("results/report.html", Counter(report=1)),
        ("results/tables/roar.csv", Counter(tabulate_roar=1, summarise_roar=1, agree_protocols=1, report=1)),
        (
            f"{MODEL}/scores/dauc.h5",
            Counter(agree=1, agree_metrics=1, compare=1, tabulate=7, tabulate_scores=1, report=1),
        ),
        (
            f"{MODEL}/agreement/dc.csv",
            Counter(agree=1, agree_metrics=1, compare=1, tabulate=7, tabulate_scores=1, report=1),
        ),
        (
            f"{MODEL}/readings/perturbation/random.h5",
            Counter(probe=1, agree=2, agree_metrics=1, compare=2, tabulate=7, tabulate_scores=1, report=1),
        ),
        (f"{MODEL}/quality.csv", Counter(assess=1, tabulate=2, report=1)),
        (f"{MODEL}/calibration.csv", Counter(assess=1, tabulate=2, report=1)),
        (
            f"{MODEL}/ranks/pixel/gradient/train.h5",
            Counter(rank=1, retrain=2, tabulate_roar=1, summarise_roar=1, agree_protocols=1, report=1),
        ),
        (
            f"{MODEL}/roar/degraded/gradient.csv",
            Counter(degrade=1, tabulate=1, agree_protocols=1, report=1),
        ),
        (
            f"{MODEL}/maps/gradient/test.h5",
            Counter(
                attribute=1,
                rank=1,
                degrade=1,
                retrain=2,
                probe=1,
                agree=2,
                agree_metrics=1,
                compare=2,
                tabulate=8,
                tabulate_scores=1,
                tabulate_map_quality=1,
                tabulate_roar=1,
                summarise_roar=1,
                agree_protocols=1,
                report=1,
            ),
        ),
    ],
)
def test_a_deleted_or_altered_artifact_is_made_again_with_what_follows(run, path, expected):
    project, folder = run
    target = folder / path
    before = target.read_bytes()
    target.write_bytes(before[: len(before) // 2])
    assert jobs(project, folder) == expected
    target.unlink()
    assert jobs(project, folder) == expected
    target.write_bytes(before)
    assert jobs(project, folder) == Counter()


def test_two_swapped_files_are_both_made_again(run):
    project, folder = run
    one, other = (folder / MODEL / "maps" / method / "test.h5" for method in ("grad_cam", "smoothgrad_3"))
    one.rename(folder / "x"), other.rename(one), (folder / "x").rename(other)
    assert jobs(project, folder)["attribute"] == 2


def test_an_artifact_made_again_is_the_same(run):
    project, folder = run
    path = folder / MODEL / "maps/grad_cam/test.h5"
    before = path.read_bytes()
    path.unlink()
    snakemake(project, folder, path.relative_to(folder), "--configfile", SETTINGS)
    assert path.read_bytes() == before
    # What was made from it before is made from it still.
    assert jobs(project, folder) == Counter()


def test_a_killed_run_goes_on_in_another_folder_and_ends_with_the_same_bytes(first, tmp_path):
    project, folder = first
    command = command_line(project, tmp_path, "--configfile", SETTINGS)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet, start_new_session=True)
    deadline = time.monotonic() + 300
    # In the middle of a write where one is seen, else in the middle of the run.
    while not list(tmp_path.glob("results/fashion/*/*/*/maps/*/.*.part")) and time.monotonic() < deadline:
        if len(list(tmp_path.glob("results/*/*/*/*/maps/*/*.h5"))) > 6 or process.poll() is not None:
            break
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "results/report.html").exists()
    snakemake(project, tmp_path, "--unlock")
    snakemake(project, tmp_path)
    kept = [path for path in (folder / "results").rglob("*") if path.is_file() and "logs" not in path.parts]
    assert len(kept) > 100
    for path in kept:
        assert path.read_bytes() == (tmp_path / path.relative_to(folder)).read_bytes(), path
    assert not list(tmp_path.rglob("*.part"))


def test_a_run_passes_its_audit_and_each_kind_of_tampering_is_named(first, run, monkeypatch):
    project, folder = run
    monkeypatch.setattr(provenance, "ROOT", project)
    complete = config.complete(yaml.safe_load(SETTINGS.read_text()))

    def found(settings=complete):
        return {(each.kind, each.path) for each in audit.findings(lineage.Results(folder / "results"), settings)}

    assert found() == set()
    one = Path(MODEL, "maps/gradient/test.h5").relative_to("results")
    with h5py.File(folder / "results" / one, "r+") as file:
        file["attribution"][0] += 1
    table = folder / "results/tables/summary.csv"
    table.write_text(table.read_text().replace("fashion", "planted", 1))
    (folder / MODEL / "readings/perturbation/random.h5").unlink()
    (folder / "results/tables/roar.csv.origin.json").unlink()
    (project / "saliency_benchmark/metrics/pointing_game.py").write_text("MORE = 1\n")
    provenance._meaning.cache_clear()
    expected = {("altered", one.as_posix()), ("altered", "tables/summary.csv"), ("missing", "tables/roar.csv"),
                ("missing", "fashion/small_cnn/baseline/seed-0/readings/perturbation/random.h5")}  # fmt: skip
    told = found()
    made = {path for kind, path in told if kind == "other code"}
    assert told - {("other code", path) for path in made} == expected
    scored = {path for path in lineage.Results(folder / "results").files if "/pointing_game." in path}
    assert made == scored | {"planted/small_cnn/baseline/seed-0/metric_agreement.csv"}
    changed = config.complete(yaml.safe_load(SETTINGS.read_text()) | {"training": {"epochs": 2, "batch_size": 20}})
    stale = {path for kind, path in found(changed) - told}
    assert {path.rpartition("/")[2] for path in stale if path.endswith(".h5")} == {"model.h5"}
    assert {path.split("/")[4] for path in stale if path.endswith(".csv")} == {"roar"}


def test_what_ran_and_what_failed_is_on_record(first, run):
    _, whole = first
    made = {path for job in run_records.jobs(whole / "results") for path in job["output"]}
    assert made == {path.relative_to(whole).as_posix() for path in (whole / "results").rglob("*")
                    if path.suffix in (".h5", ".csv", ".html")}  # fmt: skip
    assert all(job["success"] for job in run_records.jobs(whole / "results"))
    project, folder = run
    with (project / "workflow_scripts/check_roar.py").open("a") as file:
        file.write("raise ValueError\n")
    assert snakemake(project, folder, "--", "results/tables/roar_check.csv", check=False).returncode
    (failed,) = [job for job in run_records.jobs(folder / "results") if not job["success"]]
    assert (failed["rule"], failed["log"]) == ("check_roar", ["results/logs/tables/roar_check.log"])


def test_snakemake_s_own_report_is_made(first, tmp_path):
    project, folder = first
    snakemake(project, folder, "--report", tmp_path / "report.zip")
    with zipfile.ZipFile(tmp_path / "report.zip") as file:
        assert any(name.endswith("report.html") for name in file.namelist())


def test_wrong_settings_stop_before_any_job(first, tmp_path):
    project, _ = first
    words = settings(tmp_path / "run", roar={"fractions": [0]})
    done = snakemake(project, tmp_path, *words, check=False)
    assert done.returncode != 0
    assert "roar.fractions.0 is 0; wanted: between 0 and 1" in done.stdout + done.stderr
    assert not (tmp_path / "results").exists()


def test_a_method_that_cannot_explain_a_model_stops_before_any_job(first, tmp_path):
    project, _ = first
    methods = yaml.safe_load(SETTINGS.read_text())["methods"] | {"attention_rollout": {}}
    done = snakemake(project, tmp_path, *settings(tmp_path / "run", methods=methods), check=False)
    assert done.returncode != 0
    assert "attention_rollout cannot explain this model" in done.stdout + done.stderr
    assert not (tmp_path / "results").exists()


def test_the_working_directory_s_own_settings_come_before_the_shipped_ones(first, tmp_path):
    project, _ = first
    shutil.copy(SETTINGS, tmp_path / "config.yaml")
    command = [str(Path(sys.executable).with_name("snakemake")), "-s", str(project / "Snakefile"), "-n", "--cores", "1"]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert f"total {sum(ALL.values()) + 1:>10}".split() in [
        line.split() for line in (shown.stdout + shown.stderr).splitlines()
    ]


def test_settings_by_hand_come_before_those_of_the_file(first):
    project, folder = first
    assert jobs(project, folder, "--config", "seeds=[0,1]")["train"] == 3
    assert jobs(project, folder, "--config", "report={examples: 1}") == Counter(report=1)


def test_a_folder_of_images_may_move_and_what_lies_in_it_counts(first, tmp_path):
    project, _ = first
    root, folder = tmp_path / "images", tmp_path / "run"
    for number, name in enumerate(("train/a/0", "train/b/0", "test/a/0", "test/b/0")):
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True)
        Image.fromarray(np.full((8, 9, 3), 40 * number, np.uint8)).save(path)

    def words():
        datasets = {"mine": {"file": "folder", "options": {"root": str(root)}}}
        more = settings(folder, datasets=datasets, metrics={"dauc": {}, "dc": {}}, roar={})
        return ["results/mine/images/train.h5", *more]

    snakemake(project, folder, *words())
    note = artifacts.record(folder / "results/mine/images/train.h5")
    assert str(tmp_path) not in json.dumps(note)
    root = root.rename(tmp_path / "moved")
    assert jobs(project, folder, *words()) == Counter()
    Image.fromarray(np.eye(8, 9, dtype=np.uint8) * 255).save(root / "train/a/0.png")
    assert jobs(project, folder, *words()) == Counter(prepare_images=1)
