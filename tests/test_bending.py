"""From a classifier to its copies and their tables, without a workflow around it."""

import numpy as np
import pandas as pd
import pytest
import torch

from saliency_benchmark import (
    aligning,
    annotations,
    artifacts,
    bending,
    classifier,
    discrimination,
    fitting,
    live_maps,
    regions,
)

METHOD = {"gradient": {"options": {}}}
KEYS = {"dataset": "stripes", "model": "small_cnn", "initialisation": "scratch", "recipe": "baseline", "seed": "0",
        "masks": "exact", "tuned": "all", "method": "gradient"}  # fmt: skip


@pytest.fixture(scope="module")
def planted_file(tmp_path_factory, images):
    """60 planted test images as a file; those of label 3 and every tenth have an empty region."""
    path = tmp_path_factory.mktemp("images") / "test.h5"
    region = images["region"].copy()
    region[::10] = region[images["label"] == 3] = False
    artifacts.write(path, artifacts.IMAGES, {**images, "region": region}, {})
    return path


@pytest.fixture(scope="module")
def bent(tmp_path_factory, planted_file, images):
    """Files of a model and of its copies, of the maps of these, and the images that were looked at."""
    folder = tmp_path_factory.mktemp("models")
    entry = {"file": "small_cnn", "options": {"width": 2}}
    told = fitting.description(entry, "small_cnn", images["data"], images["label"])
    model = fitting.untrained(told, images["data"], 0)
    models = {name: str(folder / f"{name}.h5") for name in bending.DIRECTIONS}
    classifier.save(models["before"], model, told, {"loss": np.zeros(1)}, {})
    loss = fitting.recipe("baseline", {"options": {}})
    for name in bending.DIRECTIONS[1:]:
        one = classifier.load(models["before"])
        few = annotations.chosen(planted_file, 20)
        source = annotations.annotated(one, few, labels=few["label"])
        tuning = aligning.Tuning(name, 0, epochs=2, learning_rate=1e-2)
        course = aligning.align(source, loss, live_maps.explainer(METHOD, one), tuning)
        classifier.save(models[name], one, told, course.curves, {}, course.facts)
    chosen = annotations.chosen(planted_file, 25)
    paths = {name: str(folder / f"{name}-maps.h5") for name in bending.DIRECTIONS}
    bending.explain(models, chosen, METHOD, paths, tuned="all", rows=None, origin={"wildcards": {}})
    return models, paths, chosen


def test_the_first_images_that_have_a_region_are_taken(planted_file, images):
    wanted = [place for place in range(60) if place % 10 and images["label"][place] != 3]
    chosen = annotations.chosen(planted_file, 7)
    assert chosen["index"].tolist() == wanted[:7]
    assert np.array_equal(chosen["data"], images["data"][wanted[:7]])
    assert len(annotations.chosen(planted_file, 999)) == len(wanted)
    of_label = annotations.chosen(planted_file, 999, "5")
    assert set(of_label["label"]) == {5}
    with pytest.raises(ValueError, match="has a region and the label 3; alignment wants some"):
        annotations.chosen(planted_file, 9, "3")


def test_images_without_regions_are_refused(tmp_path, images):
    path = tmp_path / "test.h5"
    arrays = {name: images[name] for name in ("data", "label", "index")}
    artifacts.write(path, artifacts.IMAGES, arrays, {})
    with pytest.raises(ValueError, match="has a region; alignment wants some"):
        annotations.chosen(path, 9)
    artifacts.write(path, artifacts.IMAGES, arrays | {"region": np.zeros_like(images["region"])}, {})
    with pytest.raises(ValueError, match="has a region; alignment wants some"):
        annotations.chosen(path, 9)


def test_where_a_label_has_its_own_copies_its_images_alone_count(planted_file):
    images = annotations.chosen(planted_file, 30)
    model = classifier.Classifier(torch.nn.Identity(), torch.zeros(3), torch.ones(3), "")
    source = annotations.annotated(model, images, labels=images["label"], tuned="5")
    assert source.counted.tolist() == (images["label"] == 5).tolist()
    assert annotations.annotated(model, images, labels=images["label"]).counted.all()
    moved = annotations.annotated(model, images, labels=images["label"], masks="shifted", pixels=99)
    assert not moved.counted.any()


def test_an_image_of_several_labels_has_a_region_for_each():
    generator = np.random.default_rng(0)
    images = {"label": np.array([0, 2]), "region": np.zeros((2, 4, 5), bool), "labels": np.eye(3, dtype=bool)[[0, 2]]}
    images["labels"][1, 0] = True
    images["regions"] = generator.random((2, 3, 4, 5)) > 0.5
    images["regions"][0, 0] = False
    label, region, counted = annotations.explained(images, "0")
    assert label.tolist() == [0, 0]
    assert np.array_equal(region, images["regions"][:, 0])
    # The first has the label and no region of it.
    assert counted.tolist() == [False, True]
    assert annotations.explained(images, "1")[2].tolist() == [False, False]


def test_every_measure_of_every_image_has_a_row_and_its_difference(bent):
    _, paths, chosen = bent
    table = bending.scores(paths, chosen, KEYS)
    assert list(table.columns[:7]) == ["dataset", "model", "initialisation", "method", "label", "image", "measure"]
    assert len(table) == 4 * 25
    assert np.allclose(table["difference"], table["aligned"] - table["misaligned"], equal_nan=True)
    mass = table[table["measure"] == "mass"]
    assert mass["image"].tolist() == chosen["index"].tolist()
    assert mass["label"].tolist() == chosen["label"].tolist()
    for name in bending.DIRECTIONS:
        maps = artifacts.read(paths[name], artifacts.MAPS)["attribution"]
        wanted = regions.share(regions.positive(maps), regions.flat(chosen["region"]))
        assert np.allclose(mass[name], wanted, equal_nan=True)
    assert not np.allclose(mass["aligned"], mass["misaligned"])
    of_label = bending.scores(paths, chosen, KEYS | {"tuned": "5"})
    assert set(of_label["label"]) == {5}


def test_a_map_without_positive_relevance_has_no_mass_and_no_difference(bent, tmp_path):
    _, paths, chosen = bent
    arrays = artifacts.read(paths["aligned"], artifacts.MAPS)
    arrays["attribution"][4] = -1
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, arrays, {})
    table = bending.scores(paths | {"aligned": str(tmp_path / "maps.h5")}, chosen, KEYS)
    mass = table[table["measure"] == "mass"]
    assert np.isnan(mass["difference"].iloc[4])
    assert np.isfinite(mass["difference"]).sum() == 24


def test_maps_explain_the_image_s_own_label_or_the_one_that_copies_are_for(bent, tmp_path):
    models, paths, chosen = bent
    told = artifacts.read(paths["before"], artifacts.MAPS)
    assert np.array_equal(told["target"], chosen["label"])
    assert np.array_equal(told["index"], chosen["index"])
    other = {"before": str(tmp_path / "maps.h5")}
    origin = {"wildcards": {"method": "gradient"}}
    bending.explain({"before": models["before"]}, chosen, METHOD, other, tuned="5", rows=2, origin=origin)
    assert set(artifacts.read(other["before"], artifacts.MAPS)["target"]) == {5}
    assert artifacts.record(other["before"])["origin"]["wildcards"] == {"method": "gradient", "direction": "before"}


def test_the_table_of_copies_tells_how_good_they_are_and_how_their_losses_fell(bent, images):
    models, _, _ = bent
    table = bending.qualities(models, images["data"], images["label"], KEYS)
    whole = table[table["label"] == "all"].set_index("direction")
    for name, path in models.items():
        source = fitting.source_of(classifier.load(path), images["data"], images["label"])
        assert whole.loc[name, "accuracy"] == pytest.approx(bending.training.accuracy(source))
        if name != "before":
            arrays = artifacts.read(path, artifacts.MODEL)
            assert whole.loc[name, "classification_first"] == arrays["classification"][0]
            assert whole.loc[name, "localisation_last"] == pytest.approx(arrays["localisation"][-1], nan_ok=True)
    assert whole.loc[["control", "aligned"], "moved"].gt(0).all()
    assert np.isnan(whole.loc["before", "moved"])
    assert np.isnan(whole.loc["control", "localisation_first"])
    first = [whole.loc[name, "classification_first"] for name in bending.DIRECTIONS[1:]]
    assert first == pytest.approx([first[0]] * 3, rel=1e-5)


def test_curves_are_told_of_the_copies_from_before_the_first_step_on(bent):
    table = bending.curves(bent[0], KEYS)
    assert table.groupby("direction")["epoch"].apply(list).to_dict() == {
        name: [0, 1, 2] for name in bending.DIRECTIONS[1:]
    }


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    scores, truth = np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, True, False, True])
    assert discrimination.auroc(scores, truth) == (2 + 1 + 0.5) / 4
    assert np.isnan(discrimination.auroc(scores, np.ones(4, bool)))


def test_several_labels_are_told_of_by_the_signs_of_their_logits():
    logits = np.array([[2.0, -1, 3], [1, 1, -1], [-1, 2, -2], [1, -3, -1]])
    labels = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]])
    table = pd.DataFrame(discrimination.by_label(logits, labels)).set_index("label")
    assert table["accuracy"].to_dict() == {"all": 8 / 12, "0": 0.75, "1": 0.5}
    assert table["auroc"].to_dict() == {"all": (3.5 / 4 + 2 / 4) / 2, "0": 3.5 / 4, "1": 2 / 4}
    assert table["images"].to_dict() == {"all": 4, "0": 2, "1": 2}


def test_labels_are_told_of_one_by_one_and_together():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1]])
    table = pd.DataFrame(discrimination.by_label(np.log(probabilities), np.array([0, 0, 1]))).set_index("label")
    assert table["accuracy"].to_dict() == {"all": 2 / 3, "0": 0.5, "1": 1}
    assert table["auroc"].to_dict() == {"all": 1, "0": 1, "1": 1}
    assert table["images"].to_dict() == {"all": 3, "0": 2, "1": 1}
