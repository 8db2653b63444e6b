"""What a job of several works says of each is what a job of its own would say."""

from types import SimpleNamespace

import numpy as np
import pytest

from saliency_benchmark import artifacts, members

METHODS, REPEATS = ("gradient", "random"), ("0", "1")


@pytest.fixture
def ranks(tmp_path, monkeypatch):
    """Paths of the rank maps of the training and of the test images, by method."""
    monkeypatch.chdir(tmp_path)
    found = {}
    for number, method in enumerate(METHODS):
        found[method] = [str(tmp_path / f"{method}-{split}.h5") for split in ("train", "test")]
        for place, path in enumerate(found[method]):
            level = np.full((3, 2, 2), 2 * number + place, np.uint8)
            artifacts.write(path, artifacts.RANKS, {"level": level, "index": np.arange(3)}, {})
    return found


@pytest.mark.parametrize("outputs", [("accuracy",), ("accuracy", "train", "test")])
@pytest.mark.parametrize(("methods", "repeats"), [(METHODS, REPEATS), (METHODS, ()), ((), REPEATS)])
def test_every_work_has_its_own_inputs_its_own_files_and_the_origin_of_a_job_of_its_own(
    methods, repeats, outputs, ranks
):
    about = {"dataset": "d", **({} if methods else {"method": "random"}), **({} if repeats else {"repeat": "7"})}
    shared = {"model": {}, "code": "c", "fractions": [0.5]}
    own, alone = [], []
    for method in methods or ("random",):
        for repeat in repeats or ("7",):
            names = ({"method": method} if methods else {}) | ({"repeat": repeat} if repeats else {})
            settings = {"seed": f"seed {repeat}", "code": method}
            own.append({"rule": "leak", "wildcards": names, "settings": settings, "inputs": {"ranks": ranks[method]}})
            alone.append(
                SimpleNamespace(
                    rule="leak",
                    wildcards=about | names,
                    params=shared | settings,
                    input={"train": ["i.h5"], "ranks": ranks[method]},
                    output={name: f"{name}-{method}-{repeat}.csv" for name in outputs},
                )
            )
    artifacts.write("i.h5", artifacts.RANKS, {"level": np.zeros((1, 2, 2), np.uint8), "index": np.arange(1)}, {})
    given = [path for method in methods or ("random",) for path in ranks[method]]
    job = SimpleNamespace(
        rule="leak_several",
        wildcards=about,
        params=shared | {"members": own},
        input={"train": "i.h5", "ranks": given},
        output={name: [one.output[name] for one in alone] for name in outputs},
    )
    found = members.of(job)
    assert [one.origin() for one in found] == [artifacts.origin(one) for one in alone]
    assert [(one.inputs, one.outputs) for one in found] == [(one.input, one.output) for one in alone]
    assert len({one.name for one in found}) == len(found)


def test_a_job_of_one_work_is_told_by_its_wildcards():
    own = {"rule": "leak", "wildcards": {}, "settings": {"seed": 1}, "inputs": {}}
    job = SimpleNamespace(
        wildcards={"method": "m"}, params={"members": [own], "model": 2}, input={}, output={"accuracy": ["a.csv"]}
    )
    (found,) = members.of(job)
    wanted = members.Member("leak", {"method": "m"}, {"model": 2, "seed": 1}, {}, {"accuracy": "a.csv"}, "")
    assert found == wanted
