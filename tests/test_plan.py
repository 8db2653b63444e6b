"""A plan is right where truth is known: jobs that take a start and so many seconds per image."""

import re
from pathlib import Path

import pytest
import yaml

from saliency_benchmark import __main__, config, files, planning, recorded
from saliency_benchmark.recorded import Job
from tests.test_architecture import ROOT
from tests.test_config import TINY

RUN = "planted/small_cnn/baseline/seed-0"
START, PER_IMAGE, PER_EPOCH_IMAGE = 4.0, 0.25, 0.5
METHODS = {"gradient": 1, "smoothgrad_3": 3}


def settings(train=100, test=20, epochs=1, samples=3):
    told = TINY | {"datasets": {"planted": {"options": {"train": train, "test": test, "rows": 30, "columns": 40}}},
                   "methods": {"gradient": {}, "smoothgrad_3": {"file": "smoothgrad", "options": {"samples": samples}}},
                   "metrics": {"dauc": {}}, "recipes": {"baseline": {}}, "roar": {"datasets": []},
                   "training": {"epochs": epochs, "batch_size": 20}, "scoring": {"images": test}}  # fmt: skip
    return config.complete(yaml.safe_load(yaml.safe_dump(told)))


def taken(told):
    """Seconds of every job, by the file that says it, and bytes that it leaves."""
    train, test = (told["datasets"]["planted"]["options"][split] for split in ("train", "test"))
    epochs = told["training"]["epochs"]
    found = {f"{RUN}/train": (START + PER_EPOCH_IMAGE * epochs * train, "model.h5", 5000)}
    found[f"{RUN}/assess"] = (START, "quality.csv", 10)
    for method, passes in METHODS.items():
        seconds = START + PER_IMAGE * passes * test
        found[f"{RUN}/attribute/{method}/test"] = (seconds, f"maps/{method}/test.h5", 7 * test)
        found[f"{RUN}/probe/perturbation/{method}"] = (
            START + 0.1 * test,
            f"readings/perturbation/{method}.h5",
            3 * test,
        )
    return found


def make(folder, told):
    """The results of a run with the settings TOLD, as far as a plan looks at them."""
    for place, (seconds, leaves, size) in taken(told).items():
        path = Path(folder, "logs", f"{place}.tsv")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t100\n")
        left = Path(folder, RUN, leaves)
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(bytes(size))
    files.write_text(Path(folder, "report.html"), "", "report", {"settings": {"settings": told}})
    return folder


@pytest.fixture
def small(tmp_path):
    return make(tmp_path / "small", settings())


def test_a_run_that_was_made_is_planned_as_it_was(small):
    planner = planning.Planner(recorded.read(small), recorded.settings(small))
    for record in recorded.read(small):
        found = planner.estimate(record.job, settings())
        assert (found.seconds, found.bytes, found.sure) == (pytest.approx(record.seconds), record.bytes, True)


def test_a_larger_run_takes_its_start_once_and_its_work_by_images_epochs_and_steps(small):
    planner = planning.Planner(recorded.read(small), recorded.settings(small))
    large = settings(train=1000, test=400, epochs=7)
    for place, (seconds, _, size) in taken(large).items():
        found = planner.estimate(recorded.job(place), large)
        assert found.seconds == pytest.approx(seconds), place
        assert found.bytes == pytest.approx(0 if place.endswith("assess") else size), place
    more = planner.estimate(recorded.job(f"{RUN}/attribute/smoothgrad_3/test"), settings(samples=30))
    assert more.seconds == pytest.approx(START + PER_IMAGE * 30 * 20)


def test_a_bundle_and_its_repeats_leave_so_many_files_and_take_as_much_longer(tmp_path):
    """A step of recursive ROAR for two methods of a bundle, of which a third makes none, and three repeats."""
    told = settings()
    told["methods"]["sobel"] = {"options": {}}
    told["roar"] |= {"bundles": {"some": ["gradient", "smoothgrad_3", "sobel"]}, "fractions": [0.5]}
    told["roar"] |= {"recursive": {"methods": ["gradient", "smoothgrad_3"], "fractions": [0.5]}}
    make(tmp_path, told)
    place = "recursive_roar/mean/pixel"
    for method in ("gradient", "smoothgrad_3", "sobel"):
        for repeat in range(4):
            for split, size in (("train", 500), ("test", 100)):
                path = Path(tmp_path, RUN, place, method, f"repeat-{repeat}", f"0.5-{split}.h5")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(bytes(size))
    log = Path(tmp_path, "logs", RUN, place, "some", "repeat-0-to-2", "0.5.tsv")
    log.parent.mkdir(parents=True)
    # Three trainings of two methods, and maps of 120 images by one pass, and by three.
    log.write_text(f"s\n{START + 3 * (2 * 100 + 120 * 4)}\n")
    (record,) = [one for one in recorded.read(tmp_path) if one.job.stage == "recurse"]
    assert record.bytes == 2 * 3 * 600
    planner = planning.Planner(recorded.read(tmp_path), recorded.settings(tmp_path))
    one = recorded.job(f"{RUN}/{place}/gradient/repeat-0/0.5")
    found = planner.estimate(one, told)
    assert (found.seconds, found.bytes) == (pytest.approx(START + 100 + 120), pytest.approx(600))


def test_a_shard_takes_its_share(small):
    planner = planning.Planner(recorded.read(small), recorded.settings(small))
    found = planner.estimate(recorded.job(f"{RUN}/attribute/gradient/test-1-of-4"), settings(test=400))
    assert found.seconds == pytest.approx(START + PER_IMAGE * 100)


def test_what_was_never_recorded_is_not_guessed_and_what_is_only_alike_is_not_sure(small):
    planner = planning.Planner(recorded.read(small), recorded.settings(small))
    told = settings()
    unknown = planner.estimate(recorded.job(f"{RUN}/rank/pixel/gradient/test"), told)
    assert unknown.seconds != unknown.seconds
    told["methods"]["new"] = {"options": {}, "file": "gradient"}
    alike = planner.estimate(recorded.job(f"{RUN}/attribute/new/test"), told)
    assert (alike.seconds, alike.sure) == (pytest.approx(START + PER_IMAGE * 20), False)


def test_hours_on_gpus_are_counted_for_stages_that_have_them_alone(small):
    records, made = recorded.read(small), recorded.settings(small)
    planner = planning.Planner(records, made)
    told = settings()
    told["resources"]["gpus"] = 2
    estimates = [planner.estimate(record.job, told) for record in records]
    table = planning.table(estimates, told).set_index("stage")
    assert table.loc["train", "gpu_hours"] == pytest.approx(2 * (START + 50) / 3600)
    assert table.loc["all", "hours"] == pytest.approx(sum(record.seconds for record in records) / 3600)
    assert table.loc["all", "jobs"] == len(records)


def test_the_number_of_images_per_job_follows_from_the_slowest_and_the_hours(small):
    planner = planning.Planner(recorded.read(small), recorded.settings(small))
    told = settings(test=100_000)
    estimates = [planner.estimate(recorded.job(f"{RUN}/attribute/{name}/test"), told) for name in METHODS]
    assert planning.images_per_job(estimates, told, hours=2) == pytest.approx(7200 / (3 * PER_IMAGE), rel=0.001)
    assert planning.images_per_job([], told, hours=2) is None


def test_the_error_of_a_plan_is_told_by_a_run_that_was_made(small, tmp_path, capsys):
    large = make(tmp_path / "large", settings(train=500, epochs=3))
    assert __main__.main(["plan", "--benchmarks", str(small), "--took", str(large)]) == 0
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines()]
    errors = {row[0].strip("| "): float(row[4]) for row in rows[2:]}
    assert errors == {stage: pytest.approx(0, abs=1e-9) for stage in ("train", "assess", "attribute", "probe", "all")}
    longer = large / "logs" / RUN / "train.tsv"
    longer.write_text("s\n1508\n")  # twice as long
    __main__.main(["plan", "--benchmarks", str(small), "--took", str(large)])
    assert "| train | 1 | 0.209 | 0.419 | -0.5 |" in capsys.readouterr().out


@pytest.mark.parametrize(("place", "stage", "names"), [
    ("fashion/images-train", "prepare_images", {"dataset": "fashion", "split": "train"}),
    (f"{RUN}/attribute/a-b/train-0-of-12", "attribute", {"method": "a-b", "split": "train", "shards": "12"}),
    (f"{RUN}/roar/mean/ends/repeat-3", "retrain_ends", {"fill": "mean", "repeat": "3"}),
    (f"{RUN}/roar/mean/pixel/keep/gradient/repeat-0", "retrain", {"order": "keep", "method": "gradient"}),
    (f"{RUN}/roar/mean/pixel/keep/some/repeat-0-to-2", "retrain", {"method": "some", "repeat": "0-to-2"}),
    (f"{RUN}/roar/leakage/pixel/remove/gradient/repeat-0", "leak", {"unit": "pixel", "method": "gradient"}),
    (f"{RUN}/probe/cells", "probe", {"probe": "cells"}),
    (f"{RUN}/align/exact/all/gradient/aligned", "align", {"masks": "exact", "direction": "aligned"}),
])  # fmt: skip
def test_the_place_of_a_benchmark_file_tells_its_job(place, stage, names):
    job = recorded.job(f"{place}.tsv")
    assert (job.stage, names.items() <= job.about().items()) == (stage, True)


def test_jobs_of_no_known_stage_are_none():
    assert recorded.job("tables/roar") is None
    assert isinstance(recorded.job("a/b/c/seed-1/train"), Job)


@pytest.mark.parametrize(("text", "told"), [("", "is no benchmark file"), ("x\ty\n1\t2\n", "no column of seconds"),
                                            ("s\nabc\n", "is no benchmark file"), ("s\n-3\n", "-3.0 seconds"),
                                            ("s\n", "nan seconds")])  # fmt: skip
def test_files_that_are_no_benchmarks_are_named(small, text, told, capsys):
    path = small / "logs" / RUN / "train.tsv"
    path.write_text(text)
    assert __main__.main(["plan", "--benchmarks", str(small), "--took", str(small)]) == 1
    assert str(path) in (shown := capsys.readouterr().err)
    assert told in shown


def test_results_without_benchmarks_or_report_are_told_of(tmp_path, small, capsys):
    (small / "report.html.origin.json").unlink()
    assert __main__.main(["plan", "--benchmarks", str(small), "--took", str(small)]) == 1
    assert "tells no settings: the run has to be finished" in capsys.readouterr().err
    make(tmp_path / "other", settings())
    for path in (tmp_path / "other" / "logs").rglob("*.tsv"):
        path.unlink()
    assert __main__.main(["plan", "--benchmarks", str(tmp_path / "other")]) == 1
    assert "no benchmark files (*.tsv)" in capsys.readouterr().err


SAMPLES = {"seed": "0", "shard": "1", "shards": "3", "repeat": "0", "split": "test"}


def test_every_benchmark_file_of_the_rules_is_known_to_the_plan():
    """A rule with a benchmark file that no form fits would be said to take seconds."""
    found = []
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for text in re.findall(r"^ +benchmark:\n +f?\"(.*)\"$", path.read_text(), re.M):
            place = text.replace("{LOG}", "results/logs/{dataset}/{model}/{recipe}/seed-{seed}")
            place = place.replace("ends/{cut.place}", "ends/repeat-0-to-2").replace("{cut.place}", "bundle/repeat-2")
            place = re.sub(r"\{utility_design\.\w+\}", "{task}", place).replace("{name}", "bundle")
            found.append(re.sub(r"\{+(\w+)\}+", lambda name: SAMPLES.get(name[1], name[1]), place))
    assert len(found) > 25
    assert [place for place in found if recorded.job(place.removeprefix("results/logs/")) is None] == []
