"""Which questions are asked, and what of the settings is told before any job starts."""

import copy
from pathlib import Path

import pytest
import yaml

from saliency_benchmark import config, utility_design

TINY = yaml.safe_load((Path(__file__).parent / "settings.yaml").read_text())
BOTH = list(utility_design.TASKS)


def complete(**utility):
    return config.complete(copy.deepcopy(TINY) | {"utility": utility})


def test_nothing_is_asked_unless_tasks_are_named():
    full = config.complete(TINY)
    assert utility_design.asked(full) == []
    assert full["shifts"] == {}


def test_every_trained_model_is_asked_about_with_all_methods_that_are_no_controls():
    full = complete(tasks=BOTH, datasets=["fashion"], recipes=["baseline"])
    row = {"dataset": "fashion", "model": "small_cnn", "recipe": "baseline", "seed": 0}
    assert utility_design.asked(full) == [{**row, "task": task} for task in BOTH]
    assert utility_design.methods(full) == ["gradient", "smoothgrad_3", "grad_cam"]
    assert utility_design.explanations(full)[:5] == ["none", "oracle", "random", "other_image", "gradient"]
    assert full["shifts"] == {"blur": {"options": {}}}
    assert utility_design.pairs(full) == ["0-1"]


@pytest.mark.parametrize(
    ("utility", "message"),
    [
        ({"tasks": ["selection"]}, "'selection' is not one of"),
        ({"tasks": BOTH, "methods": ["oracle"]}, "utility.methods: oracle has the name of a control"),
        ({"tasks": BOTH, "methods": ["grad"]}, "utility.methods names 'grad' (did you mean 'gradient'?)"),
        ({"tasks": BOTH, "datasets": ["mnist"]}, "utility.datasets names 'mnist'"),
        ({"tasks": BOTH, "datasets": ["planted"], "recipes": ["perturbed"]}, "leave no model that is trained"),
        ({"tasks": BOTH, "shift": "blurr"}, "utility.shift names 'blurr', which is not in `shifts`; there are: "),
        ({"tasks": BOTH, "shift": "background_swap"}, "background_swap needs regions, and fashion has none"),
        ({"tasks": BOTH, "pairs": [[1, 2], [2, 1]]}, "utility.pairs: [2, 1] is there twice"),
        ({"tasks": BOTH, "pairs": [[1, 1]]}, "non-unique"),
        ({"tasks": BOTH, "cue": {"kind": "own"}}, "utility.cue.kind is own, and fashion has no regions"),
        ({"tasks": BOTH, "training_items": 15}, "15 is not a multiple of 2"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(utility, message):
    with pytest.raises(ValueError) as error:
        complete(**utility)
    assert message in str(error.value)
