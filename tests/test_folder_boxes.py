"""Regions from a table of boxes: drawn as masks would be, refused where they are none, and told of before any job."""

import numpy as np
import pytest
import yaml
from PIL import Image

from saliency_benchmark import config, design, files
from saliency_benchmark.datasets import folder
from saliency_benchmark.provenance import ROOT

SHAPE = (20, 30)
HEADER = "image,top,left,bottom,right\n"


@pytest.fixture
def tree(tmp_path):
    """Three images of two classes in each split, 20 x 30 pixels."""
    for split in ("train", "test"):
        for number, name in enumerate(["cat/b", "dog/a", "cat/a"]):
            path = tmp_path / "images" / split / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(number).integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path)
    return tmp_path


def read(tree, rows, split="test", header=HEADER, **options):
    (tree / "boxes.csv").write_text(header + rows)
    return folder.load(split, root=str(tree / "images"), boxes=str(tree / "boxes.csv"), **options)


def box(top, left, bottom, right):
    found = np.zeros(SHAPE, bool)
    found[top:bottom, left:right] = True
    return found


def test_the_region_is_the_union_of_an_images_boxes_and_empty_without_one(tree):
    rows = "test/cat/a.png,2,5,10,17\ntest/dog/a.png,0,0,20,30\ntest/cat/a.png,8,15,12,30\ntrain/cat/b.png,1,1,2,2\n"
    images = read(tree, rows)
    # In turn of the classes: cat/a, dog/a, cat/b.
    expected = [box(2, 5, 10, 17) | box(8, 15, 12, 30), box(0, 0, 20, 30), box(0, 0, 0, 0)]
    assert images["region"].dtype == bool
    assert np.array_equal(images["region"], expected)
    assert images["region"].sum((1, 2)).tolist() == [8 * 12 + 4 * 15 - 2 * 2, 600, 0]
    assert np.array_equal(read(tree, rows, "train")["region"][2], box(1, 1, 2, 2))
    assert np.array_equal(read(tree, rows, test=2)["region"], expected[:2])


@pytest.mark.parametrize("size", [None, [20, 30], [40, 90], [13, 7]])
def test_a_box_is_the_mask_that_is_drawn_of_it(tree, size):
    for split in ("test", "train"):
        for name in ("cat/a", "dog/a", "cat/b"):
            path = tree / "masks" / split / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(box(3, 4, 17, 15).astype(np.uint8) * 255).save(path)
    rows = "".join(f"test/{name}.png,3,4,17,15\n" for name in ("cat/a", "dog/a", "cat/b"))
    masked = folder.load("test", root=str(tree / "images"), masks=str(tree / "masks"), size=size)
    boxed = read(tree, rows, size=size)
    assert masked.keys() == boxed.keys()
    assert all(np.array_equal(values, boxed[key]) for key, values in masked.items())


def test_what_of_a_box_lies_beyond_the_border_counts_nothing(tree):
    assert np.array_equal(read(tree, "test/cat/a.png,-5,20,4,99\n")["region"][0], box(0, 20, 4, 30))


def test_columns_may_stand_in_any_order_with_others_beside_them(tree):
    header = "\ufeffright,class, bottom,left,top,image\n"
    assert np.array_equal(
        read(tree, "17,cat,10,5.0,2,./test/cat/a.png\n", header=header)["region"][0], box(2, 5, 10, 17)
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "test/cat/a.png,1,1,2,2\ntest/cat/c.png,1,1,2,2\n",
            r"boxes\.csv line 3: no image 'test/cat/c\.png' in .*images; did you mean 'test/cat/[ab]\.png'\?",
        ),
        ("a,1,1,2,2\n", r"line 2: no image 'a' in .*; wanted: a path below it, such as test/CLASS/NAME\.png"),
        ("test/cat/a.png,5,1,5,2\n", r"line 2: top is 5, bottom is 5; wanted: a larger bottom"),
        ("test/cat/a.png,5,4,6,3\n", r"line 2: left is 4, right is 3; wanted: a larger right"),
        ("test/cat/a.png,5,4,6.5,8\n", r"line 2: bottom is '6\.5'; wanted: a whole number of pixels"),
        ("test/cat/a.png,5,,6,8\n", r"line 2: left is ''; wanted: a whole number"),
        ("test/cat/a.png,5,nan,6,8\n", r"line 2: left is 'nan'; wanted: a whole number"),
        ("test/cat/a.png,5,4,6\n", r"line 2: right is None; wanted: a whole number"),
        (
            "test/cat/a.png,20,0,25,8\n",
            r"line 2: rows 20 to 25 and columns 0 to 8 lie outside of test/cat/a\.png, "
            r"which has 20 rows and 30 columns; wanted: pixels as it lies on disk",
        ),
        ("test/cat/a.png,0,-3,9,0\n", r"rows 0 to 9 and columns -3 to 0 lie outside"),
    ],
)
def test_a_row_that_is_no_box_of_an_image_is_named(tree, rows, message):
    with pytest.raises(ValueError, match=message):
        read(tree, rows)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("image,x,y,bottom,right\n", r"boxes\.csv has no column top, left; it has: image, x, y, bottom, right"),
        ("", r"boxes\.csv has no column image, top, left, bottom, right; it has: none"),
    ],
)
def test_a_table_without_its_columns_is_told_what_it_lacks(tree, header, message):
    with pytest.raises(ValueError, match=message):
        read(tree, "", header=header)


def test_a_table_that_is_no_text_is_named(tree):
    (tree / "boxes.csv").write_bytes(b"\xff\xfe\x00image")
    with pytest.raises(ValueError, match=r"boxes\.csv cannot be read as a table .*; wanted: a CSV file in UTF-8"):
        folder.load("test", root=str(tree / "images"), boxes=str(tree / "boxes.csv"))


def test_masks_and_boxes_at_once_are_refused(tree):
    with pytest.raises(ValueError, match=r"masks \(a\) or from boxes \(b\): give one of them"):
        folder.load("test", root=str(tree / "images"), masks="a", boxes="b")


def settings(tree, **options):
    """The tests' settings, with the folder as their only data set that may have regions."""
    told = yaml.safe_load((ROOT / "tests" / "settings.yaml").read_text())
    mine = {"file": "folder", "options": {"root": str(tree / "images"), **options}}
    return config.complete(told | {"datasets": {"fashion": told["datasets"]["fashion"], "mine": mine}})


def test_boxes_bring_regions_so_that_localisation_is_scored(tree):
    (tree / "boxes.csv").write_text(HEADER)
    boxed = settings(tree, boxes=str(tree / "boxes.csv"))
    assert design.has_regions(boxed, "mine")
    assert "pointing_game" in design.metrics(boxed, "mine")
    assert design.has_regions(settings(tree, masks=str(tree / "images")), "mine")
    with pytest.raises(ValueError, match="needs regions, and no data set here has any"):
        settings(tree)


def test_a_missing_table_is_told_before_any_job(tree):
    with pytest.raises(ValueError, match=r"datasets\.mine\.options\.boxes: there is no table '.*/nowhere\.csv'"):
        settings(tree, boxes=str(tree / "nowhere.csv"))
    with pytest.raises(ValueError, match=r"datasets\.mine\.options\.masks: there is no folder '.*/nowhere'"):
        settings(tree, masks=str(tree / "nowhere"), boxes=None)


def test_one_digit_of_a_table_is_another_data_set_and_its_place_is_not(tree):
    table, moved = tree / "boxes.csv", tree / "moved.csv"
    table.write_text(HEADER + "test/cat/a.png,2,5,10,17\n")
    before = files.listing(table)
    moved.write_bytes(table.read_bytes())
    assert files.listing(moved) == before
    table.write_text(HEADER + "test/cat/a.png,2,5,10,18\n")
    assert files.listing(table) != before
