"""CheXpert and CheXlocalize as they are laid out on disk where they were published, tiny; several labels per image."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from saliency_benchmark import artifacts, chexpert_files, fitting, preparation, registry, training
from saliency_benchmark.chexpert_files import LABELS

EDEMA, OPACITY, LESION, DEVICES = (
    LABELS.index(name) for name in ("Edema", "Lung Opacity", "Lung Lesion", "Support Devices")
)
SETTINGS = {"epochs": 30, "batch_size": 4, "learning_rate": 0.1, "warmup": 0.0, "momentum": 0.9, "weight_decay": 0.0,
            "flip": False}  # fmt: skip


def load(name, split, root, **options):
    return preparation.load(split, name, {"options": {"root": str(root), "size": [8, 10]} | options})


def radiograph(path, grey):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (20, 16), grey).save(path, "JPEG", quality=95)


def write_table(path, rows, view=True, opacity="Lung Opacity"):
    """ROWS: path, {label: value}; any other label is empty."""
    names = [opacity if name == "Lung Opacity" else name for name in LABELS]
    head = ["Path", *(["Sex", "Frontal/Lateral"] if view else []), *names]
    lines = [",".join(head)]
    for name, values in rows:
        told = ["Male", "Lateral" if "lateral" in name else "Frontal"] if view else []
        lines.append(",".join([name, *told, *(str(values.get(label, "")) for label in LABELS)]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture
def chexpert(tmp_path):
    """Three patients to train on, of which the first has two studies and a lateral view; one to test on."""
    rows = [
        ("patient00001/study1/view1_frontal.jpg", {"Edema": "1.0", "Fracture": "-1.0"}),
        ("patient00001/study1/view2_lateral.jpg", {"Edema": "1.0"}),
        ("patient00001/study2/view1_frontal.jpg", {"No Finding": "1.0"}),
        ("patient00002/study1/view1_frontal.jpg", {"Pneumonia": "0.0"}),
        ("patient00003/study1/view1_frontal.jpg", {"Lung Opacity": "-1.0"}),
    ]
    for number, (name, _) in enumerate(rows):
        radiograph(tmp_path / "train" / name, 40 * number)
    radiograph(tmp_path / "valid" / "patient00009" / "study1" / "view1_frontal.jpg", 200)
    write_table(tmp_path / "train.csv", [(f"CheXpert-v1.0/train/{name}", values) for name, values in rows])
    test = [("CheXpert-v1.0/valid/patient00009/study1/view1_frontal.jpg", {"Edema": "1.0"})]
    write_table(tmp_path / "valid.csv", test)
    return tmp_path


@pytest.fixture
def chexlocalize(tmp_path):
    """Outlines in pixels of 32 x 40: a rectangle of a lesion, two of an opacity under its other name."""
    base = tmp_path / "CheXpert"
    for folder, patients in (("test", (11, 12)), ("val", (21,))):
        for patient in patients:
            radiograph(base / folder / f"patient{patient:05}" / "study1" / "view1_frontal.jpg", patient)
    rows = [
        ("test/patient00011/study1/view1_frontal.jpg", {"Edema": 1, "Lung Opacity": 1, "Lung Lesion": 1}),
        ("test/patient00012/study1/view1_frontal.jpg", {"Support Devices": 1}),
    ]
    write_table(base / "test_labels.csv", rows, view=False)
    name = "CheXpert-v1.0/valid/patient00021/study1/view1_frontal.jpg"
    write_table(base / "val_labels.csv", [(name, {"Edema": 1})], opacity="Airspace Opacity")
    told = {
        "patient00011_study1_view1_frontal": {
            "img_size": [32, 40],
            "Lung Lesion": [[[8, 4], [19, 4], [19, 11], [8, 11]]],
            "Airspace Opacity": [[[0, 0], [3, 0], [3, 3], [0, 3]], [[36, 28], [39, 28], [39, 31], [36, 31]]],
            "Fracture": [[[0, 0], [39, 0], [39, 31], [0, 31]]],
        }
    }
    (tmp_path / "CheXlocalize").mkdir()
    (tmp_path / "CheXlocalize" / "gt_annotations_test.json").write_text(json.dumps(told))
    first = {"patient00021_study1_view1_frontal": {"img_size": [32, 40], "Edema": [[[0, 0], [3, 0]]]}}
    (tmp_path / "CheXlocalize" / "gt_annotations_val.json").write_text(json.dumps(first))
    return tmp_path


def test_frontal_radiographs_have_all_their_labels_and_uncertain_ones_count_as_present(chexpert):
    images = load("chexpert", "train", chexpert)
    assert images["data"].shape == (4, 3, 8, 10)
    assert np.abs(images["data"][:, 0, 0, 0].astype(int) - [0, 80, 120, 160]).max() <= 2
    found = [[LABELS[place] for place in np.flatnonzero(row)] for row in images["labels"]]
    assert found == [["Edema", "Fracture"], ["No Finding"], [], ["Lung Opacity"]]
    assert images["label"].tolist() == [EDEMA, 0, 0, OPACITY]
    strict = load("chexpert", "train", chexpert, uncertain=False)
    assert [int(row.sum()) for row in strict["labels"]] == [1, 1, 0, 0]
    assert load("chexpert", "test", chexpert)["label"].tolist() == [EDEMA]
    assert registry.load("datasets", "chexpert", {}).shape(size=[8, 10]) == (3, 8, 10)


def test_held_out_patients_are_whole(chexpert):
    counts = set()
    for seed in range(6):
        parts = [load("chexpert", split, chexpert, held_out=0.4, seed=seed) for split in ("train", "test")]
        greys = [{int(value) // 40 for value in part["data"][:, 0, 0, 0].astype(int) + 2} for part in parts]
        assert greys[0] | greys[1] == {0, 2, 3, 4}
        assert not greys[0] & greys[1]
        assert any({0, 2} <= each for each in greys)  # the studies of the first patient stay together
        counts.add(len(greys[1]))
    assert counts == {1, 2}


def test_outlines_are_filled_per_label_and_stretched_as_the_image_is(chexlocalize):
    """The radiograph on disk is half as large as when it was outlined, and shown at a quarter."""
    images = load("chexlocalize", "train", chexlocalize)
    regions = images["regions"][0]
    wanted = np.zeros((8, 10), bool)
    wanted[1:3, 2:5] = True
    assert (regions[LESION] == wanted).all()
    corners = np.zeros((8, 10), bool)
    corners[0, 0] = corners[7, 9] = True
    assert (regions[OPACITY] == corners).all()
    # Present without an outline; outlined, but absent by the table.
    assert not regions[EDEMA].any()
    assert not regions[LABELS.index("Fracture")].any()


def test_the_label_is_one_that_has_a_region_or_else_one_that_is_present(chexlocalize):
    images = load("chexlocalize", "train", chexlocalize)
    assert images["label"].tolist() == [OPACITY, DEVICES]
    assert (images["region"][0] == images["regions"][0, OPACITY]).all()
    assert not images["region"][1].any()
    # Two points have no area.
    test = load("chexlocalize", "test", chexlocalize)
    assert (test["label"].tolist(), test["region"].any()) == ([EDEMA], False)
    assert test["labels"].sum() == 1


def test_images_of_several_labels_are_stored_and_read_again(chexlocalize, tmp_path):
    entry = {"options": {"root": str(chexlocalize), "size": [8, 10]}}
    with artifacts.Writer(tmp_path / "images.h5", artifacts.IMAGES, {}) as writer:
        preparation.write(writer, "train", "chexlocalize", entry)
    stored = artifacts.read(tmp_path / "images.h5", artifacts.IMAGES)
    assert stored["labels"].shape == (2, 14)
    assert stored["regions"].shape == (2, 14, 8, 10)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("train.csv", lambda text: text.replace("-1.0", "2.0"), "Fracture is '2.0'; wanted: 1, 0, -1 or nothing"),
        ("train.csv", lambda text: text.replace("Edema", "Oedema"), "has no column Edema; it has: Path, Sex"),
        ("train.csv", lambda text: text.replace(",Frontal,", ",Lateral,"), "5 radiographs, none of them frontal"),
        ("train.csv", lambda text: text.replace("patient00003", "patient00004"), "there is no file"),
        ("train.csv", lambda text: text.replace("/patient00003", "/somebody"), "no patient in the path"),
        ("valid.csv", lambda text: text.replace("valid/patient00009", "train/patient00001"), "1 patients are in both"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_used_is_told(chexpert, name, change, told):
    path = chexpert / name
    path.write_text(change(path.read_text()))
    with pytest.raises(ValueError, match=told):
        load("chexpert", "train", chexpert)


def test_a_missing_table_and_a_share_that_leaves_nothing_are_told(chexpert):
    with pytest.raises(ValueError, match=r"there is no .*old\.csv"):
        load("chexpert", "train", chexpert, train_table="old.csv")
    with pytest.raises(ValueError, match="held_out is 2 of 3 patients"):
        load("chexpert", "train", chexpert, held_out=2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be read as outlines"),
        ("[1]", "cannot be read as outlines"),
        ('{"patient00011_study1_view1_frontal": {"img_size": [4, 4], "Oedema": []}}', "has the label 'Oedema'"),
        ('{"patient00011_study1_view1_frontal": {"Edema": []}}', "has no img_size"),
        ('{"patient00099_study1_view1_frontal": {"img_size": [4, 4]}}', "none of the 2 train radiographs has outlines"),
    ],
)
def test_outlines_that_cannot_be_used_are_told(chexlocalize, text, told):
    (chexlocalize / "CheXlocalize" / "gt_annotations_test.json").write_text(text)
    with pytest.raises(ValueError, match=told):
        load("chexlocalize", "train", chexlocalize)


def test_an_outline_of_every_point_is_the_whole_image():
    told = {"img_size": [16, 20], "Edema": [[[0, 0], [19, 0], [19, 15], [0, 15]]]}
    assert chexpert_files.regions(told, (8, 10))[EDEMA].all()


def test_the_loss_of_several_labels_is_the_mean_of_their_entropies():
    recipe = registry.load("recipes", "multi_label", {})
    logits = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
    labels = torch.tensor([[1, 1, 0], [0, 1, 0]])
    chance = logits.sigmoid()
    expected = -(labels * chance.log() + (1 - labels) * (1 - chance).log()).mean()
    network = torch.nn.Identity()
    assert recipe.loss(network, logits, labels, generator=None).item() == pytest.approx(expected.item())
    one = recipe.loss(network, logits, torch.tensor([2, 1]), generator=None)
    same = recipe.loss(network, logits, functional.one_hot(torch.tensor([2, 1]), 3), generator=None)
    assert one.item() == same.item()


def test_a_network_learns_labels_that_come_together():
    """Channel by channel: a bright channel is a label, and every image is a mixture."""
    bits = np.array([[bool(number >> place & 1) for place in range(3)] for number in range(8)])
    data = np.repeat(np.repeat(bits[:, :, None, None] * np.uint8(255), 12, 2), 12, 3)
    images = {"data": data, "labels": bits, "label": bits.argmax(1).astype(np.int32)}
    labels = fitting.truth(images, "multi_label", {"options": {}})
    assert labels is images["labels"]
    assert fitting.truth(images, "baseline", {"options": {}}) is images["label"]
    told = fitting.description({"options": {"width": 4}}, "small_cnn", data, labels)
    assert told["classes"] == 3
    loss = fitting.recipe("multi_label", {"options": {}})
    source, _ = fitting.obtain(data, labels, told, loss, 0, SETTINGS)
    assert ((training.logits(source).cpu() > 0).numpy() == bits).all()
    with pytest.raises(ValueError, match=r"set training\.validation to 0"):
        fitting.obtain(data, labels, told, loss, 0, SETTINGS | {"validation": 0.5})
