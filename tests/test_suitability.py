"""What no job could do is told before any job starts, and asked again only when something changed."""

import pytest

from saliency_benchmark import config, suitability
from tests.test_config import TINY, changed


@pytest.fixture
def told(tmp_path):
    """told(**parts): what is wrong with the tiny settings when PARTS of them are changed."""

    def ask(**parts):
        return suitability.problems(config.complete(changed(**parts)), tmp_path / "notes.json")

    return ask


def test_a_method_that_cannot_explain_a_model_is_told_with_the_reason_and_what_to_do(told):
    found = told(methods=TINY["methods"] | {"raw_attention": {}})
    assert len(found) == 1
    assert "raw_attention cannot explain this model: it computes no attention" in found[0]
    assert "models.small_cnn" in found[0]
    assert "leave it out" in found[0]


def test_an_ensemble_says_what_its_base_says(told):
    entry = {"file": "smoothgrad", "options": {"base": "raw_attention"}}
    assert "no attention" in told(methods=TINY["methods"] | {"noisy": entry})[0]


def test_a_model_that_takes_no_image_of_the_data_set_is_told(told):
    found = told(models={"vgg": {"file": "torchvision_model", "options": {"name": "vgg11"}}})
    assert "models.vgg on images of (channel, row, column) = (1, 28, 28)" in found[0]


def test_a_layer_that_is_none_is_told_with_the_nearest_names(told):
    found = told(models={"small_cnn": {"layer": "blok3"}})
    assert "'blok3' is no module of this model" in found[0]
    assert "block3" in found[0]


def test_sound_settings_are_tried_once_and_again_when_they_change(told, monkeypatch):
    asked = []
    monkeypatch.setattr(suitability, "_tried", lambda what: asked.append(what) or [])
    assert told() == told() == []
    assert len(asked) == 1
    told(models={"small_cnn": {"options": {"width": 3}}})
    told(explain={"output": "probability"})
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("roar", "message"),
    [
        ({"fractions": [0.5, 0.0001]}, "roar.fractions: 0.0001 of the 784 pixels of fashion are 0, as 0 of them"),
        ({"fractions": [0.5, 0.9999]}, "roar.fractions: 0.9999 of the 784 pixels of fashion are 784, as 1 of them"),
        ({"fractions": [0.001, 0.0011]}, "roar.fractions: 0.0011 of the 784 pixels of fashion are 1, as 0.001 of them"),
        ({"leakage": [0.5, 0.5001]}, "roar.leakage: 0.5001 of the 784 pixels of fashion are 392, as 0.5 of them"),
    ],
)
def test_fractions_that_remove_the_same_pixels_are_told(told, roar, message):
    found = told(roar={"datasets": ["fashion"]} | roar)
    assert len(found) == 1
    assert found[0].startswith(f"{message}: the same images twice; wanted: fractions that remove different numbers")


def test_fractions_that_remove_different_pixels_or_are_not_removed_from_a_data_set_are_told_nothing_of(told):
    assert not told(roar={"datasets": ["fashion"], "fractions": [0.001, 0.003, 0.998]})
    assert not told(roar={"datasets": [], "fractions": [0.5, 0.0001, 0.001, 0.0011, 0.9999], "leakage": [0.5, 0.5001]})


def test_images_whose_size_is_not_known_yet_are_left_to_the_jobs():
    entry = {"file": "folder", "options": {"root": "/nowhere"}}
    assert suitability._shape("mine", entry) is None
    assert suitability._shape("mine", entry | {"options": {"root": "/nowhere", "size": [20, 30]}}) == (3, 20, 30)


@pytest.mark.parametrize("name", ["fashion_mnist", "planted"])
def test_a_shape_that_is_told_is_that_of_the_images(name):
    from saliency_benchmark import registry

    module = registry.load("datasets", name, {})
    assert module.shape(test=2) == module.load("test", test=2)["data"].shape[1:]
