"""Grids of whole images of another data set: every cell is a source image, and the region is the object's cell."""

import shutil
from collections import Counter

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from saliency_benchmark import config, design, preparation, provenance, registry, sizes
from saliency_benchmark.datasets import fashion_mnist, folder, image_grid
from tests.snakes import ROOT, jobs, snakemake
from tests.test_config import changed

CLASSES = ("ape", "bus", "cow", "van")
ANIMALS = ["cow", "ape"]
GARMENTS = {"of": "fashion_mnist", "objects": ["Bag", "Coat", "Shirt"]}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of five training images and four test images of each of four classes, 4 x 6 pixels, all different."""
    found = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(0)
    for split, number in (("train", 5), ("test", 4)):
        for name in CLASSES:
            (found / split / name).mkdir(parents=True)
            for place in range(number):
                pixels = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(found / split / name / f"{place}.png")
    return str(found)


@pytest.fixture
def read(root):
    """read(split, options): the grids of the folder, and its images."""

    def make(split="train", **options):
        given = {"of": "folder", "of_options": {"root": root}, "objects": ANIMALS} | options
        return preparation.load(split, "image_grid", {"options": given}), folder.load(split, root=root)

    return make


def cells(images, side=2):
    """Cells of grids (image, cell, channel, row, column), cut out by hand: left to right, top to bottom."""
    rows, columns = (length // side for length in images["data"].shape[2:])
    return np.stack(
        [
            images["data"][:, :, row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]
            for row in range(side)
            for column in range(side)
        ],
        axis=1,
    )


def shown(images, source, side=2):
    """Which image of SOURCE each cell shows, (image, cell); fails where a cell is none."""
    places = {image.tobytes(): place for place, image in enumerate(source["data"])}
    return np.array([[places[cell.tobytes()] for cell in grid] for grid in cells(images, side)])


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("side", [2, 3])
def test_every_cell_is_a_source_image_and_only_the_region_shows_an_object(side, split, read):
    images, source = read(split, side=side)
    assert images["data"].shape[1:] == (3, 4 * side, 6 * side)
    assert images["region"].dtype == bool
    found = shown(images, source, side)
    names = np.array(CLASSES)[source["label"][found]]
    holds = np.isin(names, ANIMALS)
    assert (holds.sum(1) == 1).all()
    inside = cells({"data": images["region"][:, None]}, side)[:, :, 0]
    assert np.array_equal(inside, np.broadcast_to(holds[:, :, None, None], inside.shape))
    assert images["label"].tolist() == [ANIMALS.index(name) for name in names[holds]]
    assert np.array_equal(images["source"], found[holds])
    assert len({place for place in range(side**2) if holds[:, place].any()}) > 1


def test_all_objects_come_once_in_turn_of_the_labels_and_no_image_twice_in_a_grid(read):
    images, source = read()
    assert images["label"].tolist() == [0, 1] * 5
    found = shown(images, source)
    assert sorted(images["source"]) == np.flatnonzero(np.isin(source["label"], [0, 2])).tolist()
    assert all(len({*grid}) == 4 for grid in found)
    assert len({tuple(sorted(grid)) for grid in found}) == 10


def test_an_object_keeps_its_grid_whatever_the_number_of_grids(read):
    whole, part = read()[0], read(train=3)[0]
    assert len(part["label"]) == 3
    assert all(np.array_equal(values, whole[name][:3]) for name, values in part.items())
    assert len(read("test", train=1)[0]["label"]) == 8


def test_grids_follow_the_seed_and_nothing_else(read):
    one, again, other = (read(seed=seed)[0] for seed in (3, 3, 4))
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert np.array_equal(one["source"], other["source"])
    assert np.array_equal(one["label"], other["label"])
    assert not np.array_equal(one["data"], other["data"])
    assert not np.array_equal(one["region"], other["region"])


def test_the_splits_share_no_image(read):
    train, test = (read(split)[0] for split in ("train", "test"))
    seen = [{cell.tobytes() for grid in cells(images) for cell in grid} for images in (train, test)]
    assert not seen[0] & seen[1]


def test_objects_lie_in_all_cells_about_equally_often():
    images = preparation.load("test", "image_grid", {"options": GARMENTS | {"test": 400}})
    often = cells({"data": images["region"][:, None]})[:, :, 0, 0, 0].sum(0)
    # Binomial(400, 1/4): 100 and a standard deviation of 9.
    assert (abs(often - 100) < 30).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_grids_of_several_blocks_have_the_channels_of_their_images(channels):
    options = GARMENTS | {"of_options": {"channels": channels}, "test": 300}
    images = preparation.load("test", "image_grid", {"options": options})
    source = fashion_mnist.load("test", channels=channels)
    assert images["data"].shape == (300, *image_grid.shape(**options)) == (300, channels, 56, 56)
    assert len({*images["source"]}) == 300
    assert np.bincount(images["label"]).tolist() == [100] * 3
    rows, columns = (images["region"].any(axis).sum(1) for axis in (2, 1))
    assert {*rows, *columns} == {28}
    for image in (0, 255, 256, 299):
        object_ = images["data"][image][:, images["region"][image]].reshape(channels, 28, 28)
        place = np.flatnonzero(source["index"] == images["source"][image])[0]
        assert np.array_equal(object_, source["data"][place])


def test_classes_are_the_objects_and_the_shape_is_told_where_that_of_the_images_is(root):
    entry = {"file": "image_grid", "options": {"of": "mnist", "of_options": {"root": "/data"}, "objects": [3, 7]}}
    assert preparation.classes("digits", entry) == ["3", "7"]
    assert list(image_grid.problems(**entry["options"])) == []
    assert image_grid.shape(**entry["options"], side=3) == (1, 84, 84)
    assert image_grid.shape(of="folder", of_options={"root": root}) is None
    assert image_grid.shape(of="folder", of_options={"root": root, "size": [4, 6]}) == (3, 8, 12)


def test_a_grid_of_grids_is_a_grid():
    options = {"of": "image_grid", "of_options": GARMENTS | {"test": 40}, "objects": ["Coat", "Bag"], "test": 6}
    images = preparation.load("test", "image_grid", {"options": options})
    assert images["data"].shape[1:] == image_grid.shape(**options) == (1, 112, 112)
    assert (images["region"].sum((1, 2)) == 56**2).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"side": 1}, "side is 1; wanted: 2 or more"),
        ({"side": "two"}, "side is 'two'; wanted: 2 or more"),
        ({"objects": ["cow", "appe"]}, "objects: no class 'appe' (did you mean 'ape'?)"),
        ({"objects": ["cow", "tree"]}, "objects: no class 'tree'; folder has: ape, bus, cow, van"),
        ({"objects": ["cow", "cow", "ape"]}, "objects: 'cow' is named 2 times; wanted: once"),
        ({"objects": "cow"}, "objects is 'cow'; wanted: a list of names of classes"),
        ({"objects": ["cow"]}, "objects has 1 classes; wanted: 2 or more to tell apart"),
        ({"objects": [*CLASSES]}, "objects: all classes of folder, which leaves none for the other cells"),
        ({"of": "chexpert"}, "chexpert does not tell the names of its classes"),
    ],
)
def test_options_that_cannot_be_used_are_told_before_any_image_is_read(options, message, root, monkeypatch):
    given = {"of": "folder", "of_options": {"root": root}, "objects": ANIMALS} | options
    monkeypatch.setattr(folder, "load", None)
    with pytest.raises(ValueError) as error:
        image_grid.load("train", **given)
    assert message in str(error.value)
    settings = changed(datasets={"grid": {"file": "image_grid", "options": given}})
    with pytest.raises(ValueError) as error:
        config.complete(settings)
    assert f"datasets.grid.options: {message}" in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": 11}, "11 train grids, and folder has 10 train images of cow, ape"),
        ({"side": 4}, "folder has 10 train images of other classes; wanted: 15 for a grid"),
    ],
)
def test_more_grids_or_cells_than_there_are_images_are_refused(options, message, read):
    with pytest.raises(ValueError, match=message):
        read(**options)


def test_images_of_several_sizes_do_not_lie_side_by_side(root, monkeypatch):
    block = {"label": np.array([0]), "index": np.array([0])}
    sizes = [np.zeros((1, 3, *size), np.uint8) for size in ((4, 6), (5, 6))]
    monkeypatch.setattr(folder, "load", lambda split, root: iter([block | {"data": data} for data in sizes]))
    with pytest.raises(ValueError, match=r"folder has train images of \[\(3, 4, 6\), \(3, 5, 6\)\]; wanted: one size"):
        image_grid.load("train", of="folder", of_options={"root": root}, objects=ANIMALS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "fashion"}, "datasets.grid: no 'fashion' in datasets/ (did you mean 'fashion_mnist'?)"),
        ({"of": ["mnist"]}, "datasets.grid: of is ['mnist'] and of_options {}; wanted: a name in datasets/"),
        ({"of_options": "grey"}, "of_options 'grey'; wanted: a name in datasets/, and options by name"),
        ({"of_options": {"chanels": 3}}, "options.of_options: fashion_mnist.py takes no 'chanels' (did you mean"),
        ({"of": "cifar10"}, "datasets.grid.options.of_options: cifar10.py wants 'root', which has no default"),
        (
            {"of": "cifar10", "of_options": {"root": "/nowhere"}},
            "datasets.grid.options.of_options.root: there is no folder '/nowhere'",
        ),
        ({"seeds": 1}, "datasets.grid.options: image_grid.py takes no 'seeds' (did you mean 'seed'?)"),
    ],
)
def test_options_of_the_other_data_set_are_checked_like_its_own(options, message):
    grid = {"file": "image_grid", "options": GARMENTS | {"of_options": {}} | options}
    with pytest.raises(ValueError) as error:
        config.complete(changed(datasets={"grid": grid}))
    assert message in str(error.value)


def test_folders_of_the_other_data_set_are_known_by_their_place(root):
    options = {"of": "folder", "of_options": {"root": root, "size": [4, 6]}, "objects": ANIMALS}
    twice = {"of": "image_grid", "of_options": options, "objects": ANIMALS}
    entries = {name: {"file": "image_grid", "options": given} for name, given in (("one", options), ("two", twice))}
    settings = {"datasets": entries}
    assert design.folders(settings, "one") == {"of_options.root": root}
    assert design.folders(settings, "two") == {"of_options.of_options.root": root}
    told = design.with_folders(twice, lambda path, options: [path, options["size"]], design.folders(settings, "two"))
    inner = options | {"of_options": {"root": [root, [4, 6]], "size": [4, 6]}}
    assert told == twice | {"of_options": inner}
    assert options["of_options"]["root"] == root
    options["of_options"]["download"] = True
    assert design.folders(settings, "one", downloaded=False) == {}


def test_the_other_data_sets_code_and_images_decide_the_grids():
    entry = {"file": "image_grid", "options": GARMENTS}
    paths = registry.files("datasets", "grid", entry)
    assert [path.stem for path in paths] == ["image_grid", "fashion_mnist"]
    assert {path.name for path in provenance.closure(paths)} >= {"train-images.idx.gz", "test-labels.idx.gz"}


def test_the_size_of_a_grid_is_told_from_the_settings_alone():
    cifar = {"of": "cifar10", "of_options": {"root": "/data"}, "objects": ["cat", "dog"]}
    entries = {"photos": {"file": "image_grid", "options": cifar}, "image_grid": {"options": cifar | {"side": 3}}}
    found = [sizes.values({"datasets": entries}, name) for name in entries]
    assert found == [3 * 64 * 64, 3 * 96 * 96]


def test_localisation_finds_the_cell():
    """All relevance in the cell of the object is a mass of 1 in it; spread over the grid it is a quarter."""
    images = preparation.load("test", "image_grid", {"options": GARMENTS | {"test": 8}})
    regions = images["region"]
    metric = registry.load("metrics", "relevance_mass", {}).score
    maps = {"inside": regions.astype(np.float32), "everywhere": np.ones(regions.shape, np.float32)}
    found = {name: metric(map_, regions) for name, map_ in maps.items()}
    assert np.allclose(found["inside"], 1)
    assert np.allclose(found["everywhere"], 0.25)


@pytest.mark.workflow
def test_the_workflow_makes_maps_copies_and_a_report_of_grids_and_a_folder_may_move(root, tmp_path):
    def words(root, **options):
        made = {"of": "folder", "of_options": {"root": str(root), "size": [8, 12]}, "objects": ANIMALS} | options
        settings = {
            "datasets": {"grid": {"file": "image_grid", "options": made}},
            "models": {"small_cnn": {"options": {"width": 2}}},
            "recipes": {"baseline": {}},
            "training": {"epochs": 1, "batch_size": 5},
            "methods": {"gradient": {}, "oracle": {}},
            "metrics": {"relevance_mass": {}},
            "agreement": {"resamples": 100},
            "roar": {"datasets": []},
            "alignment": {"methods": ["gradient"], "images": 8, "test_images": 6, "epochs": 1},
        }
        path = tmp_path / "settings.yaml"
        path.write_text(yaml.safe_dump(settings))
        return ["--configfile", path]

    run = tmp_path / "run"
    snakemake(ROOT, run, *words(root))
    found = pd.read_csv(run / "results/tables/summary.csv")
    oracle = found[(found["method"] == "oracle") & (found["metric"] == "relevance_mass")]
    assert oracle["mean"].tolist() == pytest.approx([1] * len(oracle))
    assert len(pd.read_csv(run / "results/tables/robustness.csv")["image"].unique()) == 6
    assert "cow" in (run / "results/report.html").read_text()
    moved = shutil.copytree(root, tmp_path / "moved")
    assert jobs(ROOT, run, *words(moved)) == Counter(report=1)
    assert jobs(ROOT, run, *words(root, seed=1))["prepare_images"] == 2
    (moved / "train/cow/more.png").write_bytes((moved / "train/cow/0.png").read_bytes())
    assert jobs(ROOT, run, *words(moved))["prepare_images"] == 2
