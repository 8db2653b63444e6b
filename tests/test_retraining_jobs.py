"""What a job of several retrainings says of each is what a job of its own would say."""

from types import SimpleNamespace

import numpy as np
import pytest

from saliency_benchmark import artifacts, retraining_jobs

SHARED = {"model": {}, "code": "c", "fractions": [0.5]}
METHODS, REPEATS = ("gradient", "random"), ("0", "1")


def job(rule, wildcards, params, inputs, outputs):
    return SimpleNamespace(rule=rule, wildcards=wildcards, params=params, input=inputs, output=outputs)


@pytest.fixture
def ranks(tmp_path):
    """Paths of the rank maps of the training and of the test images, by method."""
    found = {}
    for number, method in enumerate(METHODS):
        found[method] = [str(tmp_path / f"{method}-{split}.h5") for split in ("train", "test")]
        for place, path in enumerate(found[method]):
            level = np.full((3, 2, 2), 2 * number + place, np.uint8)
            artifacts.write(path, artifacts.RANKS, {"level": level, "index": np.arange(3)}, {})
    return found


@pytest.mark.parametrize("rule", ["retrain", "leak"])
@pytest.mark.parametrize(("methods", "repeats"), [(METHODS, REPEATS), (METHODS, ()), ((), REPEATS)])
def test_every_task_has_its_own_ranks_its_own_file_and_the_origin_of_a_job_of_its_own(rule, methods, repeats, ranks):
    about = {"dataset": "d", **({} if methods else {"method": "random"}), **({} if repeats else {"repeat": "7"})}
    members, alone = [], []
    for method in methods or ("random",):
        for repeat in repeats or ("7",):
            own = ({"method": method} if methods else {}) | ({"repeat": repeat} if repeats else {})
            members.append({"wildcards": own, "settings": {"seed": f"seed {repeat}"}})
            params, inputs = SHARED | {"seed": f"seed {repeat}"}, {"ranks": ranks[method]}
            alone.append(job(rule, about | own, params, inputs, [f"{method}-{repeat}.csv"]))
    given = [path for method in methods or ("random",) for path in ranks[method]]
    outputs = [one.output[0] for one in alone]
    found = retraining_jobs.tasks(
        job(f"{rule}_several", about, SHARED | {"members": members}, {"ranks": given}, outputs), rule
    )
    singles = [retraining_jobs.tasks(one, rule)[0] for one in alone]
    assert [(task.path, task.origin, task.settings, task.ranks) for task in found] == [
        (task.path, task.origin, task.settings, task.ranks) for task in singles
    ]
    assert [task.origin for task in found] == [artifacts.origin(one) for one in alone]
    assert len({task.name for task in found}) == len(found)
