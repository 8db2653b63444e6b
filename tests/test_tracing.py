"""A number is followed to the images that it comes from, and no further than it comes from."""

import re

import pandas as pd
import pytest
from PIL import Image

from saliency_benchmark import files, tracing
from saliency_benchmark.__main__ import main
from tests.small_run import MODEL
from tests.test_audit import flip

IMAGES = "planted/images/test.h5"


def paths(results, table, *where):
    return set(tracing.trace(results / table, tracing.conditions(list(where))).nodes)


def test_an_alpha_comes_from_its_metric_and_the_maps_of_all_methods(whole):
    assert paths(whole, "tables/agreement.csv", "metric=Relevance_MASS,model=SMALL_cnn") == {
        "tables/agreement.csv",
        f"{MODEL}/agreement/relevance_mass.csv",
        f"{MODEL}/maps/gradient/test.h5",
        f"{MODEL}/maps/smoothgrad_3/test.h5",
        f"{MODEL}/model.h5",
        "planted/images/test.h5",
        "planted/images/train.h5",
    }


def test_a_score_comes_from_the_maps_of_its_method_alone(whole):
    found = paths(whole, "tables/scores.csv", "metric=pointing_game", "method=gradient,image=4")
    assert found == {
        "tables/scores.csv",
        f"{MODEL}/scores/pointing_game.h5",
        f"{MODEL}/maps/gradient/test.h5",
        f"{MODEL}/model.h5",
        "planted/images/test.h5",
        "planted/images/train.h5",
    }


def test_a_score_ends_at_its_image_and_where_that_came_from(whole):
    wanted = tracing.conditions(["metric=pointing_game,method=gradient,image=4"])
    notes = tracing.trace(whole / "tables/scores.csv", wanted).nodes[IMAGES].notes
    assert notes == ["6 images", "image 4: place 4 here, 104 in the data it comes from, label 1"]


def test_a_table_of_one_model_is_traced_too_and_numbers_are_numbers(whole):
    table = f"{MODEL}/agreement/relevance_mass.csv"
    assert table in paths(whole, table, "seed=0.0")


def test_the_tree_tells_code_versions_and_settings_of_every_file(whole, capsys):
    assert main(["trace", str(whole / "tables/agreement.csv"), "--where", "metric=relevance_mass"]) == 0
    told = capsys.readouterr().out
    assert len(re.findall(r"content [0-9a-f]{16}, code [0-9a-f]{12}, .*numpy=", told)) == 7
    assert 'methods={"smoothgrad_3": {"file": "smoothgrad", "options": {"samples": 3}}}' in told
    assert told.count("images: planted/images/test.h5 (above)") == 2
    assert told.endswith("7 files, all whole\n")


def test_several_rows_are_told_with_what_parts_them(whole, capsys):
    assert main(["trace", str(whole / "tables/scores.csv"), "--where", "method=gradient"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("12 rows of ")
    assert "and 2 more: metric, image, score tell them apart" in told


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("colour=red", "has no column 'colour'; it has: dataset, model, recipe, seed, metric, group, alpha"),
        (
            "seed=0,metric=dauc",
            "has seed=0 and metric=dauc; metric there is: pointing_game, relevance_mass",
        ),
        ("metric", "--where has 'metric'; wanted: COLUMN=VALUE"),
        ("=3", "wanted: COLUMN=VALUE"),
        ("metric=a,metric=b", "two values for 'metric'"),
    ],
)
def test_what_cannot_be_found_is_told_with_what_there_is(whole, where, message, capsys):
    assert main(["trace", str(whole / "tables/agreement.csv"), "--where", where]) == 1
    assert re.search(message, capsys.readouterr().err)


def test_a_table_that_is_none_is_a_clear_error(results, capsys):
    (results / "tables/empty.csv").write_text("")
    (results / "tables/mine.csv").write_text("a\n1\n")
    for name, message in (("gone", "there is no table"), ("empty", "is no table"), ("mine", "says nothing of itself")):
        assert main(["trace", str(results / f"tables/{name}.csv")]) == 1
        assert message in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["altered", "missing"])
def test_a_broken_link_is_marked_and_the_command_says_so(results, damage, capsys):
    path = results / MODEL / "maps/gradient/test.h5"
    flip(path) if damage == "altered" else path.unlink()
    assert main(["trace", str(results / "tables/agreement.csv"), "--where", "metric=relevance_mass"]) == 1
    told = capsys.readouterr().out
    assert f"maps/gradient/test.h5  [{damage.upper()}]" in told
    assert f"7 files, 1 of them {damage}" in told.replace("6 files", "7 files")


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_picture_shows_every_file(whole, tmp_path, ending, capsys):
    picture = tmp_path / f"lineage.{ending}"
    words = [
        "trace",
        str(whole / "tables/agreement.csv"),
        "--where",
        "metric=relevance_mass",
        "--picture",
        str(picture),
    ]
    assert main(words) == 0
    before = picture.read_bytes()
    assert main(words) == 0
    assert picture.read_bytes() == before
    if ending == "svg":
        assert before.count(b"attribute</t") == 2
        assert b"tables/agreement.csv" in before
    else:
        with Image.open(picture) as drawn:
            assert min(drawn.size) > 200


def test_a_picture_of_another_kind_is_a_clear_error(whole, tmp_path, capsys):
    words = ["trace", str(whole / "tables/agreement.csv"), "--picture", str(tmp_path / "a.docx")]
    assert main(words) == 1
    assert "ends in .svg or .png" in capsys.readouterr().err


def test_a_folder_without_the_note_of_its_chain_is_traced_by_contents(results):
    before = paths(results, "tables/agreement.csv", "metric=relevance_mass")
    (results / "chain.json").unlink()
    assert paths(results, "tables/agreement.csv", "metric=relevance_mass") == before


def test_a_forged_circle_comes_to_an_end(results, tmp_path):
    path = results / "tables/agreement.csv"
    table = pd.read_csv(path)
    note = files.record(path)
    note["origin"]["inputs"] = {"parts": [note["content"]]}
    files.write_text(path, table.to_csv(index=False, lineterminator="\n"), "table", note["origin"])
    (results / "chain.json").unlink()
    assert main(["trace", str(path), "--picture", str(tmp_path / "a.svg")]) in (0, 1)
