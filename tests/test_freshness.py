"""What is out of date: by contents, not by times."""

import os
from pathlib import Path

import pytest

from saliency_benchmark import files, freshness
from saliency_benchmark.freshness import Expected, Index


@pytest.fixture
def chain(tmp_path, monkeypatch):
    """Two tables, the second made from the first."""
    monkeypatch.chdir(tmp_path)
    files.write_text("a.csv", "1\n", "table", {"rule": "one", "wildcards": {}, "settings": {"x": 1}, "inputs": {}})
    content = files.record("a.csv")["content"]
    origin = {"rule": "two", "wildcards": {"w": "v"}, "settings": {"y": [1, {"z": 2.5}]}, "inputs": {"a": [content]}}
    files.write_text("b.csv", "2\n", "table", origin)
    return {
        "a.csv": Expected("one", {}, {"x": 1}, {}),
        "b.csv": Expected("two", {"w": "v"}, {"y": (1, {"z": 2.5})}, {"a": ["a.csv"]}),
    }


def reasons(expected, place=".index.json"):
    index = Index(Path(place))
    found = freshness.out_of_date(expected, index)
    index.save()
    return found


def test_what_is_as_it_was_made_is_up_to_date(chain):
    assert reasons(chain) == {}
    assert reasons(chain) == {}


def test_a_changed_setting_is_named_with_both_values(chain):
    chain["b.csv"].settings["y"] = (1, {"z": 3})
    assert reasons(chain) == {"b.csv": 'y was [1, {"z": 2.5}], is [1, {"z": 3}]'}
    chain["a.csv"].settings["x"] = 2
    assert reasons(chain)["a.csv"] == "x was 1, is 2"


def test_another_input_is_named(chain):
    files.write_text("a.csv", "9\n", "table", {"rule": "one", "wildcards": {}, "settings": {"x": 1}, "inputs": {}})
    assert reasons(chain) == {"b.csv": "input a"}


@pytest.mark.parametrize("damage", ["edit", "no note", "cut note"])
def test_a_file_that_is_not_what_was_made_is_seen(chain, damage):
    assert reasons(chain) == {}
    if damage == "edit":
        Path("a.csv").write_text("7\n")
    elif damage == "no note":
        Path("a.csv.origin.json").unlink()
    else:
        Path("a.csv.origin.json").write_text("{")
    assert reasons(chain)["a.csv"] == "its contents are not what was made"


def test_a_missing_input_is_to_be_made(chain):
    Path("a.csv").unlink()
    del chain["a.csv"]
    assert reasons(chain) == {"a.csv": "it is missing"}


def test_an_unchanged_file_is_read_only_once(chain, monkeypatch):
    assert reasons(chain) == {}
    monkeypatch.setattr(freshness, "_checked", lambda path: pytest.fail(f"read {path} again"))
    assert reasons(chain) == {}


def test_times_are_put_in_order_and_only_where_they_are_not(chain):
    os.utime("a.csv", (2000, 2000))
    os.utime("b.csv", (1000, 1000))
    freshness.settle(chain, Index(Path(".index.json")))
    assert Path("a.csv").stat().st_mtime == 2000
    assert Path("b.csv").stat().st_mtime == 2000
    os.utime("b.csv", (3000, 3000))
    freshness.settle(chain, Index(Path(".index.json")))
    assert (Path("a.csv").stat().st_mtime, Path("b.csv").stat().st_mtime) == (2000, 3000)


def test_a_broken_index_is_no_obstacle(chain):
    Path(".index.json").write_text("not json")
    assert reasons(chain) == {}


def test_a_folder_s_listing_sees_names_and_sizes(tmp_path):
    (tmp_path / "a.png").write_bytes(b"123")
    before = files.listing(tmp_path)
    (tmp_path / "a.png").touch()
    assert files.listing(tmp_path) == before
    (tmp_path / "a.png").write_bytes(b"1234")
    assert files.listing(tmp_path) != before


def test_the_benchmark_file_of_a_job_is_no_older_than_what_the_job_was_made_from(tmp_path, monkeypatch):
    """Snakemake counts it among the job's outputs: copied results would be made again because of it."""
    monkeypatch.chdir(tmp_path)
    for name in ("in.csv", "out.csv", "cost.tsv"):
        Path(name).write_text(name)
    for name, time in {"cost.tsv": 1, "out.csv": 2, "in.csv": 3}.items():
        os.utime(name, (time, time))
    told = {
        "in.csv": freshness.Expected("make", {}, {}, {}),
        "out.csv": freshness.Expected("use", {}, {}, {"table": ["in.csv"]}, "cost.tsv"),
    }
    freshness.settle(told, freshness.Index(Path("index.json")))
    assert [Path(name).stat().st_mtime for name in ("in.csv", "out.csv", "cost.tsv")] == [3, 3, 3]
