"""Steps of recursive ROAR in one job: each one's files are those of a job of its own, killed in between or not."""

import pytest

from saliency_benchmark import artifacts, files, fitting, recursion
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.members import Member
from tests.test_checkpoints import ORIGIN, Killed
from tests.test_retraining import TEST, TRAIN, truth

TOLD = fitting.description({"options": {"width": 2}}, "small_cnn", TRAIN["data"], TRAIN["label"])
WORKS = [("gradient", "a"), ("gradient", "b"), ("smoothgrad", "a")]
EPOCHS = 2


@pytest.fixture
def tasks(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = [str(tmp_path / f"{split}.h5") for split in ("train", "test")]
    for path, images in zip(given, (TRAIN, TEST), strict=True):
        artifacts.write(path, artifacts.RANKS, {"level": truth(images), "index": images["index"]}, {})
    return [
        Member(
            "recurse",
            {"method": method, "repeat": seed},
            {"method": {method: {"options": {}}}, "explain": {}, "seed": seed},
            {"ranks": given, "background": []},
            {
                name: f"{method}-{seed}-{name}.{kind}"
                for name, kind in (("accuracy", "csv"), ("train", "h5"), ("test", "h5"))
            },
            f"{method} repeat {seed}",
        )
        for method, seed in WORKS
    ]


@pytest.fixture
def run(settings, baseline, tmp_path):
    """run(tasks, stop): the bytes of all files that are left, with the steps that the trainings took."""

    def make(some, stop=None):
        taken = []

        def loss(*given, generator):
            taken.append(True)
            if len(taken) == stop:
                raise Killed
            return baseline(*given, generator=generator)

        removal = recursion.Removal(0.3, "mean", "pixel", 0)
        with Checkpoint(tmp_path / "steps.csv", ORIGIN) as saved:
            recursion.steps(
                some, TRAIN, TEST, removal, told=TOLD, loss=loss, settings=settings | {"epochs": EPOCHS}, saved=saved
            )
        made = [path for task in some for path in task.outputs.values()]
        noted = [files.note_path(path) for path in made if files.note_path(path).exists()]
        return {str(path): (tmp_path / path).read_bytes() for path in [*made, *noted]}, len(taken)

    return make


def test_steps_of_one_job_are_those_of_jobs_of_their_own(tasks, run):
    alone = {}
    for task in tasks:
        alone |= run([task])[0]
    together, _ = run(tasks)
    assert together == alone
    maps = [together[path] for path in together if path.endswith(".h5")]
    assert len(set(maps)) == len(maps) == 2 * len(tasks)


def test_a_killed_job_trains_no_finished_network_again_and_leaves_the_same_files(tasks, run, tmp_path):
    whole, steps = run(tasks)
    with pytest.raises(Killed):
        run(tasks, stop=2 * steps // len(tasks) + 1)
    # What such a job has left, Snakemake takes away.
    for path in whole:
        (tmp_path / path).unlink(missing_ok=True)
    assert run(tasks) == (whole, steps // len(tasks))
    assert not list(tmp_path.glob(".*"))
