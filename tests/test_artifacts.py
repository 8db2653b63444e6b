"""Files that are whole or not there, that say what they hold, and that hold the same bytes for the same content."""

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest

from saliency_benchmark import artifacts, files

ROOT = Path(__file__).parent.parent
ORIGIN = {"rule": "test"}


def some_maps(number=7):
    rng = np.random.default_rng(0)
    return {
        "attribution": rng.normal(size=(number, 3, 5, 4)).astype("f4"),
        "label": np.arange(number, dtype="i4"),
        "target": np.arange(number, dtype="i4"),
        "prediction": rng.normal(size=(number, 10)).astype("f4"),
        "index": np.arange(number, dtype="i4"),
    }


def test_what_is_written_is_read(tmp_path):
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, some_maps(), ORIGIN)
    for name, array in artifacts.read(tmp_path / "maps.h5", artifacts.MAPS).items():
        assert np.array_equal(array, some_maps()[name])
        assert array.dtype == some_maps()[name].dtype


def test_blocks_make_the_same_content_as_one_piece(tmp_path):
    whole, maps = tmp_path / "whole.h5", some_maps()
    artifacts.write(whole, artifacts.MAPS, maps, ORIGIN)
    for size in (1, 3):
        with artifacts.Writer(tmp_path / f"{size}.h5", artifacts.MAPS, ORIGIN) as writer:
            for start in range(0, 7, size):
                writer.append(**{name: array[start : start + size] for name, array in maps.items()})
        assert artifacts.record(tmp_path / f"{size}.h5") == artifacts.record(whole)


def test_the_same_content_gives_the_same_bytes(tmp_path):
    for name in ("a.h5", "b.h5"):
        artifacts.write(tmp_path / name, artifacts.MAPS, some_maps(), ORIGIN)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_maps_are_readable_under_the_names_of_the_virelay_viewer(tmp_path):
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, some_maps(), ORIGIN)
    with h5py.File(tmp_path / "maps.h5") as file:
        assert {"attribution", "label", "prediction", "index"} <= set(file)
        assert file["attribution"].shape[0] == file["prediction"].shape[0] == len(file["index"])


def test_a_map_without_channels_is_a_map(tmp_path):
    maps = some_maps() | {"attribution": some_maps()["attribution"][:, 0]}
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, maps, ORIGIN)
    assert artifacts.read(tmp_path / "maps.h5", artifacts.MAPS)["attribution"].shape == (7, 5, 4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": np.arange(6)}, "axis 'image' has length 6 in 'label', and 7 before it"),
        (
            {"attribution": np.zeros((7, 2))},
            r"'attribution' wants axes \(image \[channel\] row column\), got shape \(7, 2\)",
        ),
        ({"extra": np.zeros(7)}, "maps wants .* got .*extra"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_and_leave_nothing(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, some_maps() | change, ORIGIN)
    assert not list(tmp_path.iterdir())


def test_one_kind_of_file_is_not_read_as_another(tmp_path):
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, some_maps(), ORIGIN)
    with pytest.raises(ValueError, match="holds 'maps', not 'images'"):
        artifacts.read(tmp_path / "maps.h5", artifacts.IMAGES)


def test_a_cut_file_is_named_and_not_read(tmp_path):
    path = tmp_path / "maps.h5"
    artifacts.write(path, artifacts.MAPS, some_maps(), ORIGIN)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"maps.h5 is not a whole HDF5 file"):
        artifacts.read(path, artifacts.MAPS)
    assert artifacts.record(path) is None
    assert not artifacts.intact(path)


def test_a_flipped_bit_of_the_arrays_is_seen(tmp_path):
    path = tmp_path / "maps.h5"
    artifacts.write(path, artifacts.MAPS, some_maps(), ORIGIN)
    assert artifacts.intact(path)
    with h5py.File(path, "r+") as file:
        file["attribution"][3, 1, 2, 2] += 1e-6
    assert not artifacts.intact(path)


def test_an_edited_table_is_seen(tmp_path):
    path = tmp_path / "t.csv"
    files.write_text(path, "a,b\n1,2\n", "table", ORIGIN)
    assert artifacts.intact(path)
    assert artifacts.record(path)["kind"] == "table"
    path.write_text("a,b\n1,3\n")
    assert not artifacts.intact(path)


def test_an_error_in_the_middle_keeps_the_old_file(tmp_path):
    path = tmp_path / "maps.h5"
    artifacts.write(path, artifacts.MAPS, some_maps(), ORIGIN)
    before = path.read_bytes()

    def stop_in_the_middle():
        with artifacts.Writer(path, artifacts.MAPS, ORIGIN) as writer:
            writer.append(**some_maps())
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        stop_in_the_middle()
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["maps.h5"]


def test_a_killed_writer_leaves_nothing_that_looks_whole_and_the_next_one_sweeps(tmp_path):
    code = (
        "import os, signal, sys; sys.path.insert(0, sys.argv[2]); from tests.test_artifacts import *\n"
        "with artifacts.Writer(sys.argv[1], artifacts.MAPS, ORIGIN) as writer:\n"
        "    writer.append(**some_maps())\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "maps.h5"
    done = subprocess.run([sys.executable, "-c", code, str(path), str(ROOT)], cwd=ROOT, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()
    assert not path.exists()
    assert len(list(tmp_path.glob(".maps.h5.*.part"))) == 1
    artifacts.write(path, artifacts.MAPS, some_maps(), ORIGIN)
    assert [each.name for each in tmp_path.iterdir()] == ["maps.h5"]


def test_the_part_of_a_living_process_stays(tmp_path):
    part = tmp_path / f".maps.h5.{files._host()}-{os.getppid()}.part"
    part.write_text("at work")
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, some_maps(), ORIGIN)
    assert part.exists()


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    def peak(blocks):
        block = some_maps(64) | {"attribution": np.zeros((64, 3, 32, 32), "f4")}
        tracemalloc.start()
        with artifacts.Writer(tmp_path / "maps.h5", artifacts.MAPS, ORIGIN) as writer:
            for _ in range(blocks):
                writer.append(**block)
        with artifacts.Reader(tmp_path / "maps.h5", artifacts.MAPS) as reader:
            for read in reader.blocks(64):
                assert len(read["label"]) == 64
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(40) < 1.2 * peak(4)


def test_a_file_that_says_nothing_of_itself_is_no_input(tmp_path):
    (tmp_path / "x.csv").write_text("a\n")
    with pytest.raises(ValueError, match="does not say what it holds"):
        artifacts._stored_content(str(tmp_path / "x.csv"))


def test_an_origin_of_any_length_fits(tmp_path):
    origin = {"inputs": {"parts": [f"{number:064d}" for number in range(3000)]}}
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, some_maps(), origin)
    assert artifacts.record(tmp_path / "maps.h5")["origin"] == origin


def test_arrays_of_different_lengths_in_the_end_leave_nothing(tmp_path):
    def uneven():
        with artifacts.Writer(tmp_path / "r.h5", artifacts.READINGS, ORIGIN) as writer:
            writer.append(index=np.arange(3), target=np.arange(3), more=np.arange(3))
            writer._file["index"].resize(2, axis=0)

    with pytest.raises(ValueError, match="axis 'image' has length"):
        uneven()
    assert not list(tmp_path.iterdir())
