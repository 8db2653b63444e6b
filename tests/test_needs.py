"""What jobs ask of a cluster follows from the settings and the attempt."""

import pytest

from saliency_benchmark import config, needs, sizes
from tests.test_config import changed

NAMES = {"dataset": "photos", "model": "small_cnn", "recipe": "baseline", "seed": "0", "split": "train"}
STAGES = ["prepare_images", "train", "assess", "attribute", "rank", "retrain", "retrain_ends", "degrade", "leak",
          "recurse", "align", "bend", "probe", "agree", "table"]  # fmt: skip


def settings(train=1000, test=100, **parts):
    photos = {"photos": {"file": "planted", "options": {"train": train, "test": test, "rows": 32, "columns": 32}}}
    return config.complete(changed(datasets=photos, roar={"fractions": [0.5]}, **parts))


@pytest.mark.parametrize("stage", STAGES)
def test_a_further_attempt_asks_for_twice_the_memory_and_twice_the_time(stage):
    told = settings(resources={"time": 4})
    assert [needs.memory(told, stage, NAMES, attempt) for attempt in (1, 2, 3)] == [
        pytest.approx(needs.memory(told, stage, NAMES) * factor, abs=2) for factor in (1, 2, 4)
    ]
    first, second = (needs.minutes(told, stage, NAMES, ("gradient",), attempt) for attempt in (1, 2))
    assert second == pytest.approx(2 * first, abs=1)


def test_a_training_asks_for_time_by_its_epochs_and_images_and_for_memory_by_its_images():
    small, large = settings(train=10_000), settings(train=1_000_000)
    longer = settings(train=1_000_000, training={"epochs": 40})  # instead of one
    assert needs.memory(large, "train", NAMES) - needs.memory(small, "train", NAMES) == pytest.approx(
        3 * 990_000 * 3 * 32 * 32 / 1e6, abs=2
    )
    assert needs.memory(longer, "train", NAMES) == needs.memory(large, "train", NAMES)
    beside = needs.BESIDE
    assert needs.minutes(longer, "train", NAMES) - beside == pytest.approx(
        40 * (needs.minutes(large, "train", NAMES) - beside), abs=25
    )


def test_explaining_needs_no_more_memory_for_more_images_and_more_time_for_more_steps():
    small, large = settings(train=1000), settings(train=1_000_000)
    assert needs.memory(small, "attribute", NAMES) == needs.memory(large, "attribute", NAMES)
    methods = {"gradient": {}, "random": {}, "many": {"file": "smoothgrad", "options": {"samples": 100}}}
    told = settings(train=1_000_000, methods=methods)
    few, many = (sizes.work(told, "attribute", NAMES, (label,)) for label in ("gradient", "many"))
    assert (few, many) == (1e6, 1e8)
    assert needs.minutes(told, "attribute", NAMES, ("many",)) > needs.minutes(told, "attribute", NAMES, ("gradient",))


def test_no_job_asks_for_more_than_a_week():
    assert needs.minutes(settings(train=10**9, training={"epochs": 1000}), "train", NAMES) == needs.LONGEST


def test_jobs_that_ask_a_network_for_much_have_gpus_and_the_others_have_none():
    told = settings(resources={"gpus": 2, "gpu_type": "a100", "partition": "cpu", "gpu_partition": "gpu",
                               "account": "lab", "extra": "--constraint=fast"})  # fmt: skip
    shared = {"slurm_account": "lab", "slurm_extra": "--constraint=fast"}
    assert needs.site(told, "train") == {"slurm_partition": "gpu", "gpu": 2, "gpu_model": "a100", **shared}
    assert needs.site(told, "agree") == {"slurm_partition": "cpu", **shared}


def test_gpus_may_be_asked_for_as_generic_resources_or_not_at_all():
    gres = settings(resources={"gpu_request": "gres", "gpus": 2, "gpu_type": "v100"})
    assert needs.site(gres, "probe") == {"gres": "gpu:v100:2"}
    assert needs.site(settings(resources={"gpu_request": "gres"}), "probe") == {"gres": "gpu:1"}
    assert needs.site(settings(resources={"gpus": 0, "partition": "all"}), "probe") == {"slurm_partition": "all"}


def test_the_number_of_images_is_the_options_the_published_one_or_that_of_the_folder(tmp_path):
    for number in range(3):
        (tmp_path / "train" / "a").mkdir(parents=True, exist_ok=True)
        (tmp_path / "train" / "a" / f"{number}.png").touch()
    entries = {
        "told": {"file": "mnist", "options": {"root": "x", "train": 7}},
        "published": {"file": "imagenet", "options": {"root": "x"}},
        "own": {"file": "folder", "options": {"root": str(tmp_path)}},
    }
    found = {name: sizes.images({"datasets": entries}, name, "train") for name in entries}
    assert found == {"told": 7, "published": 1_281_167, "own": 3}


def test_the_size_of_images_is_the_options_or_that_of_the_published_data():
    entries = {
        "photos": {"file": "imagenet", "options": {"root": "x", "size": [10, 20]}},
        "usual": {"file": "imagenet", "options": {"root": "x"}},
        "drawn": {"file": "planted", "options": {"rows": 30}},
        "digits": {"file": "mnist", "options": {"root": "x"}},
    }
    found = [sizes.values({"datasets": entries}, name) for name in entries]
    assert found == [3 * 10 * 20, 3 * 224 * 224, 3 * 30 * 48, 28 * 28]
