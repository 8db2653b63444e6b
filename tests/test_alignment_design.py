"""Which copies the settings ask for, where their models began, and what is refused before any job starts."""

import copy
from pathlib import Path

import pytest
import yaml

from saliency_benchmark import alignment_design, config, initialisation

TINY = yaml.safe_load((Path(__file__).parent / "settings.yaml").read_text())
ALIGNMENT = {"methods": ["gradient", "grad_cam"]}
AFTER = {"file": "small_cnn", "options": {"width": 2}, "pretrained": {"dataset": "fashion"}}


def complete(**parts):
    return config.complete(copy.deepcopy(TINY) | parts)


def refused(**parts):
    with pytest.raises(ValueError, match="the settings cannot be used") as error:
        complete(**parts)
    return str(error.value)


def test_nothing_is_fine_tuned_unless_methods_are_named():
    assert alignment_design.pairs(complete()) == []
    assert alignment_design.pairs(complete(alignment={"images": 7})) == []


def test_data_sets_with_regions_are_taken_and_every_variant_and_label_has_its_pair():
    rows = alignment_design.pairs(complete(alignment=ALIGNMENT))
    assert [row["method"] for row in rows] == ["gradient", "grad_cam"]
    first = {"dataset": "planted", "model": "small_cnn", "recipe": "baseline", "seed": 0}
    assert rows[0] == first | {"initialisation": "scratch", "masks": "exact", "tuned": "all", "method": "gradient"}
    assert set(rows[0]) == set(alignment_design.KEYS)
    many = alignment_design.pairs(complete(alignment=ALIGNMENT | {"masks": ["exact", "box"], "labels": [3, 5]}))
    assert {(row["masks"], row["tuned"]) for row in many} == {(one, two) for one in ("exact", "box") for two in "35"}
    assert len(many) == 8


def test_one_variant_of_the_masks_is_a_list_of_one():
    assert complete(alignment={"masks": "box"})["alignment"]["masks"] == ["box"]


def test_the_published_fine_tuning_is_the_default():
    tuning = alignment_design.tuning(complete())
    assert tuning == {"epochs": 25, "batch_size": 4, "accumulation": 4, "learning_rate": 1e-4, "weight_decay": 0.01,
                      "clip": 0.5, "batch_norm": "frozen", "seed": 0, "weight": 1}  # fmt: skip


def test_the_control_depends_on_nothing_that_concerns_maps():
    before = alignment_design.tuning(complete(), control=True)
    changed = {"weight": 3, "softplus": 5, "masks": "box", "pixels": 9, "labels": [1]}
    full = complete(alignment=changed, explain={"rows": 3})
    assert alignment_design.tuning(full, control=True) == before
    assert alignment_design.tuning(full) != alignment_design.tuning(complete())


@pytest.mark.parametrize(
    ("alignment", "message"),
    [
        ({"methods": ["random"]}, "alignment.methods: random has no map whose gradient by the weights is known; there"),
        ({"methods": ["gradent"]}, "alignment.methods names 'gradent' (did you mean 'gradient'?)"),
        (ALIGNMENT | {"datasets": ["fashion"]}, "alignment.datasets: fashion has no regions to align maps with"),
        (ALIGNMENT | {"datasets": ["planted"], "recipes": ["perturbed"]}, "leave no model that is trained"),
        (ALIGNMENT | {"models": ["resnet"]}, "alignment.models names 'resnet'"),
        (ALIGNMENT | {"masks": ["wide"]}, "alignment.masks"),
        (ALIGNMENT | {"learning_rate": 0}, "alignment.learning_rate"),
    ],
)
def test_what_cannot_work_is_refused(alignment, message):
    assert message in refused(alignment=alignment)


def test_a_method_is_refused_with_options_that_its_live_map_has_not_or_with_softplus():
    methods = TINY["methods"] | {
        "of_others": {"file": "smoothgrad", "options": {"base": "grad_cam"}},
        "lrp_epsilon_plus": {},
    }
    assert "with the option 'base', of_others has no map" in refused(
        methods=methods, alignment={"methods": ["of_others"]}
    )
    told = refused(methods=methods, alignment={"methods": ["gradient", "lrp_epsilon_plus"], "softplus": 10})
    assert "alignment.softplus: lrp_epsilon_plus is no method of plain gradients" in told
    assert "softplus: gradient" not in told


def test_without_any_regions_alignment_is_refused():
    datasets = {"fashion": TINY["datasets"]["fashion"]}
    assert "alignment needs regions" in refused(
        datasets=datasets, metrics={"dauc": {}}, alignment={"methods": ["gradient"]}
    )


def test_a_model_that_goes_on_from_another_data_set_begins_with_what_is_the_same_there():
    full = complete(models=TINY["models"] | {"after": AFTER, "wider": AFTER | {"options": {"width": 3}}})
    assert initialisation.source(full, "planted", "after") == {"dataset": "fashion", "model": "small_cnn"}
    # No entry is the same without it: it is trained itself, as if from scratch.
    assert initialisation.source(full, "planted", "wider") == {"dataset": "fashion", "model": "wider"}
    assert initialisation.source(full, "fashion", "wider") is None
    assert initialisation.source(full, "planted", "small_cnn") is None
    assert "pretrained" not in initialisation.entry(full, "fashion", "wider")


def test_initialisations_have_names(tmp_path):
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"")
    models = TINY["models"] | {"after": AFTER, "as_it_is": AFTER | {"train": False}}
    models |= {"filed": {"file": "small_cnn", "weights": str(weights)}}
    models |= {"named": models["filed"] | {"initialisation": "imagenet21k"}}
    models |= {"filed_there": models["filed"] | {"pretrained": {"dataset": "fashion"}, "train": False}}
    full = complete(models=models)
    found = {label: initialisation.name(full, "planted", label) for label in models}
    assert found == {"small_cnn": "scratch", "after": "fashion", "as_it_is": "scratch", "filed": "weights",
                     "filed_there": "weights", "named": "imagenet21k"}  # fmt: skip
    assert initialisation.name(full, "fashion", "after") == "scratch"


def test_one_architecture_has_one_name_wherever_it_begins_unless_that_is_not_enough(tmp_path):
    full = complete(models=TINY["models"] | {"after": AFTER, "wider": AFTER | {"options": {"width": 3}}})
    found = {label: initialisation.architecture(full, "planted", label) for label in full["models"]}
    assert found == {"small_cnn": "small_cnn", "after": "small_cnn", "wider": "wider"}
    # Whatever their order.
    full = complete(models={"after": AFTER} | TINY["models"])
    assert initialisation.architecture(full, "planted", "after") == "small_cnn"
    # On fashion both begin at random.
    assert initialisation.architecture(full, "fashion", "after") == "after"


def test_a_training_begins_with_the_model_that_it_is_given():
    full = complete(models=TINY["models"] | {"as_it_is": AFTER | {"train": False}})
    assert initialisation.beginning(full, "planted", "as_it_is", ["m.h5"]) == {"path": "m.h5", "train": False}
    assert initialisation.beginning(full, "fashion", "as_it_is", []) == {"path": None, "train": True}


def test_weights_of_a_data_set_that_is_not_there_are_refused():
    assert "models.after.pretrained.dataset names 'fashon' (did you mean 'fashion'?)" in refused(
        models=TINY["models"] | {"after": AFTER | {"pretrained": {"dataset": "fashon"}}}
    )
