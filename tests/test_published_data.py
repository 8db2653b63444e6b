"""Data sets as they are laid out on disk where they were published, tiny: what is read is what lies there."""

import json

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from saliency_benchmark import artifacts, pictures, preparation, registry

NAMES = ["imagenet", "food101", "birdsnap", "cub_200_2011", "stanford_cars", "fgvc_aircraft"]


def load(name, split="train", **options):
    return preparation.load(split, name, {"options": options})


def colour(label, number):
    """One colour tells which image it is."""
    return (40 * label + 20, 30 * number + 20, 120)


def photo(path, label, number, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour(label, number)).save(path, "JPEG", quality=95)


@pytest.fixture
def root(request, tmp_path):
    """Three classes, of which the last has three training images, the others two; one test image each."""
    BUILDERS[request.param](tmp_path)
    return str(tmp_path)


def build_imagenet(root):
    for label, wnid in enumerate(["n01440764", "n01443537", "n02119789"]):
        for number in range(3 if label == 2 else 2):
            photo(root / "train" / wnid / f"{wnid}_{number}.JPEG", label, number)
        photo(root / "val" / wnid / f"ILSVRC2012_val_0000000{label}.JPEG", label, 5)


def build_food(root):
    splits = {"train": {}, "test": {}}
    for label, name in enumerate(["apple_pie", "baklava", "waffles"]):
        for number in [*range(3 if label == 2 else 2), 5]:
            photo(root / "images" / name / f"{1000 + number}.jpg", label, number)
            splits["test" if number == 5 else "train"].setdefault(name, []).append(f"{name}/{1000 + number}")
    (root / "meta").mkdir()
    for split, names in splits.items():
        (root / "meta" / f"{split}.json").write_text(json.dumps(names))


def build_birdsnap(root):
    lines, held_out = ["url\tmd5\tpath\tspecies_id\tbb_x1"], ["path"]
    for label, name in enumerate(["Acadian_Flycatcher", 'Clark"s_Grebe', "Zone-tailed_Hawk"]):
        for number in [*range(3 if label == 2 else 2), 5]:
            path = f"{name}/{label}{number}.jpg"
            photo(root / "images" / path, label, number)
            lines.append(f"http://x/{path}\tabc\t{path}\t{label + 1}\t7")
            if number == 5:
                held_out.append(path)
    (root / "images.txt").write_text("\n".join(lines) + "\n")
    (root / "test_images.txt").write_text("\n".join(held_out) + "\n")


def listed(names):
    """(number in the list, class, image of the class, for testing or not), the classes mixed as release lists are."""
    rows = [(label, number) for label in range(3) for number in [*range(3 if label == 2 else 2), 5]]
    return [(place + 1, names[label], label, number) for place, (label, number) in enumerate(rows)]


def build_cub(root):
    names = ["001.Black_footed_Albatross", "002.Laysan_Albatross", "003.Sooty_Albatross"]
    lists = {"images": [], "image_class_labels": [], "train_test_split": []}
    for place, name, label, number in listed(names):
        photo(root / "images" / name / f"bird_{number}.jpg", label, number)
        told = (f"{name}/bird_{number}.jpg", label + 1, int(number != 5))
        for lines, word in zip(lists.values(), told, strict=True):
            lines.append(f"{place} {word}")
    for name, lines in lists.items():
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n")


def build_cars(root):
    kind = [("bbox_x1", "O"), ("bbox_y1", "O"), ("bbox_x2", "O"), ("bbox_y2", "O"), ("class", "O"), ("fname", "O")]
    rows = {"train": [], "test": []}
    for place, _, label, number in listed(["", "", ""]):
        split = "test" if number == 5 else "train"
        photo(root / f"cars_{split}" / f"{place:05}.jpg", label, number)
        rows[split].append((1, 1, 9, 9, label + 1, f"{place:05}.jpg"))
    (root / "devkit").mkdir()
    for split, path in (("train", "devkit/cars_train_annos.mat"), ("test", "cars_test_annos_withlabels.mat")):
        savemat(root / path, {"annotations": np.array([rows[split]], kind)})
    savemat(root / "devkit/cars_meta.mat", {"class_names": np.array([["A", "B", "C"]], "O")})


def build_aircraft(root):
    names = ["707-320", "A300B4", "MD-80 or so"]
    lines = {"trainval": [], "test": []}
    for place, name, label, number in listed(names):
        path = root / "data" / "images" / f"{place:07}.jpg"
        photo(path, label, number, (40, 50))
        with Image.open(path) as image:
            pixels = np.array(image)
        pixels[30:] = 255  # the banner
        Image.fromarray(pixels).save(path, "JPEG", quality=100, subsampling=0)
        lines["test" if number == 5 else "trainval"].append(f"{place:07} {name}")
    (root / "data" / "variants.txt").write_text("\n".join(names) + "\n")
    for split, told in lines.items():
        (root / "data" / f"images_variant_{split}.txt").write_text("\n".join(told) + "\n")


BUILDERS = {"imagenet": build_imagenet, "food101": build_food, "birdsnap": build_birdsnap, "cub_200_2011": build_cub,
            "stanford_cars": build_cars, "fgvc_aircraft": build_aircraft}  # fmt: skip
EACH = [pytest.param(name, name, id=name) for name in NAMES]


@pytest.mark.parametrize(("name", "root"), EACH, indirect=["root"])
def test_the_splits_hold_their_images_with_their_labels_in_turn_of_the_classes(name, root):
    train, test = (load(name, split, root=root, size=[8, 10]) for split in ("train", "test"))
    assert train["label"].tolist() == [0, 1, 2, 0, 1, 2, 2]
    assert test["label"].tolist() == [0, 1, 2]
    numbers = [0, 0, 0, 1, 1, 1, 2]
    for images, expected in ((train, numbers), (test, [5, 5, 5])):
        assert images["data"].shape == (len(expected), 3, 8, 10)
        wanted = [colour(*pair) for pair in zip(images["label"], expected, strict=True)]
        assert np.abs(images["data"].astype(int) - np.array(wanted)[:, :, None, None]).max() <= 3  # JPEG
    assert load(name, root=root, train=4)["label"].tolist() == [0, 1, 2, 0]
    assert load(name, "test", root=root, train=1, test=2)["data"].shape == (2, 3, 224, 224)


NAMED = {
    "imagenet": ["n01440764", "n01443537", "n02119789"],
    "food101": ["apple_pie", "baklava", "waffles"],
    "birdsnap": ["Acadian Flycatcher", 'Clark"s Grebe', "Zone-tailed Hawk"],
    "cub_200_2011": ["Black footed Albatross", "Laysan Albatross", "Sooty Albatross"],
    "stanford_cars": ["A", "B", "C"],
    "fgvc_aircraft": ["707-320", "A300B4", "MD-80 or so"],
}


@pytest.mark.parametrize(("name", "root"), EACH, indirect=["root"])
def test_classes_have_the_names_of_the_release(name, root):
    assert preparation.classes(name, {"options": {"root": root, "size": [8, 8]}}) == NAMED[name]


@pytest.mark.parametrize(("name", "root"), EACH, indirect=["root"])
def test_blocks_of_any_size_are_the_same_images_and_the_writer_holds_one_at_a_time(name, root, tmp_path, monkeypatch):
    whole, sizes = load(name, root=root, size=[6, 6]), []
    monkeypatch.setattr(pictures, "BLOCK", 3)
    entry = {"options": {"root": root, "size": [6, 6]}}
    with artifacts.Writer(tmp_path / "images.h5", artifacts.IMAGES, {}) as writer:
        real = writer.append
        monkeypatch.setattr(writer, "append", lambda **block: sizes.append(len(block["label"])) or real(**block))
        preparation.write(writer, "train", name, entry)
    assert sizes == [3, 3, 1]
    stored = artifacts.read(tmp_path / "images.h5", artifacts.IMAGES)
    assert stored.keys() == whole.keys()
    assert all(np.array_equal(stored[key], whole[key]) for key in whole)


@pytest.mark.parametrize("name", NAMES)
def test_the_size_is_known_before_any_image_is_read(name):
    module = registry.load("datasets", name, {})
    assert module.shape(root="nowhere") == (3, 224, 224)
    assert module.shape(root="nowhere", size=[8, 10]) == (3, 8, 10)


def ramp(rows, columns):
    """Pixels that tell their place: red counts rows, green columns."""
    place = np.indices((rows, columns)).astype(np.uint8)
    return np.stack([*place, np.zeros_like(place[0])], 2)


def stored(tmp_path, pixels):
    path = tmp_path / "image.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize(("shape", "top", "left"), [((256, 256), 16, 16), ((200, 256), 0, 28), ((256, 200), 28, 0)])
def test_what_needs_no_resizing_is_the_middle_as_it_is(shape, top, left, tmp_path):
    pixels = ramp(*shape)
    crop = 200 / min(shape) if min(shape) == 200 else 224 / 256
    side = round(crop * min(shape))
    found = pictures.read(stored(tmp_path, pixels), [side, side], crop)
    assert np.array_equal(found, pixels[top : top + side, left : left + side].transpose(2, 0, 1))


def test_the_picture_is_the_one_that_resizing_the_shorter_side_and_cropping_the_middle_gives(tmp_path):
    smooth = Image.fromarray(np.random.default_rng(0).integers(0, 256, (12, 18, 3), np.uint8)).resize((360, 240))
    smooth.save(tmp_path / "image.png")
    usual = smooth.resize((96, 64), Image.Resampling.BILINEAR).crop((20, 4, 76, 60))
    found = pictures.read(tmp_path / "image.png", [56, 56], 0.875)
    assert np.abs(found.transpose(1, 2, 0).astype(int) - np.asarray(usual, int)).max() <= 1


def test_proportions_stay_whatever_the_size(tmp_path):
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[20:40, 35:55] = 255  # a square in the middle
    found = pictures.read(stored(tmp_path, pixels), [30, 40], 1)[0] > 127
    rows, columns = np.nonzero(found)
    assert abs(np.ptp(rows) - np.ptp(columns)) <= 1


def test_grey_and_palette_images_are_rgb(tmp_path):
    image = Image.fromarray(ramp(10, 10)[:, :, 0])
    for number, one in enumerate((image, image.convert("P"), image.convert("RGBA"))):
        one.save(tmp_path / f"{number}.png")
        assert pictures.read(tmp_path / f"{number}.png", [10, 10], 1).shape == (3, 10, 10)


@pytest.mark.parametrize("root", ["food101"], indirect=True)
def test_the_lists_of_food_may_be_lines_of_text(root, tmp_path):
    expected = load("food101", root=root, size=[4, 4])
    for split in ("train", "test"):
        table = tmp_path / "meta" / f"{split}.json"
        names = [name for names in json.loads(table.read_text()).values() for name in names]
        table.with_suffix(".txt").write_text("\n".join(names) + "\n")
        table.unlink()
    found = load("food101", root=root, size=[4, 4])
    assert all(np.array_equal(found[key], expected[key]) for key in expected)
    (tmp_path / "meta" / "test.txt").unlink()
    with pytest.raises(ValueError, match=r"no .*test\.json and no test\.txt: give the folder food-101"):
        load("food101", "test", root=root)


@pytest.mark.parametrize("root", ["birdsnap"], indirect=True)
def test_birds_that_are_gone_from_the_web_are_left_out_and_keep_the_others_labels(root, tmp_path):
    for path in (tmp_path / "images" / "Acadian_Flycatcher").glob("*"):
        path.unlink()
    assert load("birdsnap", root=root)["label"].tolist() == [1, 2, 1, 2, 2]
    for path in (tmp_path / "images").rglob("*.jpg"):
        path.unlink()
    with pytest.raises(ValueError, match=r"none of the 3 test images of images\.txt is in"):
        load("birdsnap", "test", root=root)
    (tmp_path / "test_images.txt").unlink()
    with pytest.raises(ValueError, match=r"no .*test_images\.txt: give the folder of the release"):
        load("birdsnap", root=root)


@pytest.mark.parametrize("root", ["imagenet"], indirect=True)
def test_validation_images_that_are_not_sorted_and_unknown_classes_are_told_of(root, tmp_path):
    (tmp_path / "val" / "n99999999").mkdir()
    with pytest.raises(ValueError, match="classes that the training images have not: n99999999"):
        load("imagenet", "test", root=root)
    (tmp_path / "val" / "n99999999").rmdir()
    for path in (tmp_path / "val").rglob("*.JPEG"):
        path.rename(tmp_path / "val" / path.name)
    with pytest.raises(ValueError, match=r"no images in .*val/CLASS/: sort them into folders of their classes"):
        load("imagenet", "test", root=root)


@pytest.mark.parametrize("root", ["food101"], indirect=True)
def test_a_broken_or_missing_image_is_named(root, tmp_path):
    path = tmp_path / "images" / "baklava" / "1000.jpg"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"baklava/1000\.jpg cannot be read as an image"):
        load("food101", root=root)
    path.unlink()
    with pytest.raises(ValueError, match=r"baklava/1000\.jpg cannot be read as an image .*No such file"):
        load("food101", root=root)


@pytest.mark.parametrize(("name", "root", "class_name", "folder"), [
    ("stanford_cars", "stanford_cars", "StanfordCars", "stanford_cars"),
    ("fgvc_aircraft", "fgvc_aircraft", "FGVCAircraft", "fgvc-aircraft-2013b")], indirect=["root"])  # fmt: skip
def test_files_and_labels_are_those_of_torchvisions_class(name, root, class_name, folder, tmp_path_factory):
    from saliency_benchmark import compat

    compat.torchvision()
    from torchvision import datasets

    place = tmp_path_factory.mktemp("torchvision")
    (place / folder).symlink_to(root)
    for split, theirs in (("train", "train" if name == "stanford_cars" else "trainval"), ("test", "test")):
        dataset = getattr(datasets, class_name)(str(place), split=theirs)
        assert sorted(int(label) for _, label in dataset) == sorted(load(name, split, root=root)["label"].tolist())


@pytest.mark.parametrize(("name", "root", "gone", "told"), [
    ("cub_200_2011", "cub_200_2011", "train_test_split.txt", "give the folder CUB_200_2011 of the release"),
    ("stanford_cars", "stanford_cars", "devkit/cars_train_annos.mat", "give the folder with devkit/"),
    ("fgvc_aircraft", "fgvc_aircraft", "data/images_variant_trainval.txt", "give the folder fgvc-aircraft-2013b"),
], indirect=["root"])  # fmt: skip
def test_a_missing_list_is_told_with_the_folder_that_is_wanted(name, root, gone, told, tmp_path):
    (tmp_path / gone).unlink()
    with pytest.raises(ValueError, match=told):
        load(name, root=root)


@pytest.mark.parametrize("root", ["stanford_cars"], indirect=True)
def test_cars_without_labels_and_birds_and_aircraft_of_no_class_are_told_of(root, tmp_path):
    rows = np.array([[(1, "00001.jpg")]], [("bbox_x1", "O"), ("fname", "O")])
    savemat(tmp_path / "cars_test_annos_withlabels.mat", {"annotations": rows})
    with pytest.raises(ValueError, match=r"has no classes: the list with labels is called cars_test_annos_withlabels"):
        load("stanford_cars", "test", root=root)
    for folder in ("birds", "aircraft"):
        (tmp_path / folder).mkdir()
    build_cub(tmp_path / "birds"), build_aircraft(tmp_path / "aircraft")
    labels = tmp_path / "birds" / "image_class_labels.txt"
    labels.write_text("\n".join(labels.read_text().splitlines()[1:]))
    with pytest.raises(ValueError, match=r"no class or no split for image 1 of images\.txt"):
        load("cub_200_2011", root=str(tmp_path / "birds"))
    (tmp_path / "aircraft/data/variants.txt").write_text("707-320\nA300B4\n")
    with pytest.raises(ValueError, match=r"class 'MD-80 or so' is not in .*variants\.txt"):
        load("fgvc_aircraft", root=str(tmp_path / "aircraft"))
    with pytest.raises(ValueError, match=r"level is 'wing'; wanted: variant, family, manufacturer"):
        load("fgvc_aircraft", root=str(tmp_path / "aircraft"), level="wing")
