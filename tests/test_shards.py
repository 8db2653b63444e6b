"""A data set divided among jobs: the same arrays, the same content, whatever the number of shards."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import yaml

from saliency_benchmark import artifacts, audit, config, freshness, lineage, sizes, windows
from tests.snakes import ROOT, jobs, snakemake
from tests.test_config import changed


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        "attribution": rng.normal(size=(10, 1, 4, 5)).astype(np.float32),
        "label": np.arange(10, dtype=np.int32),
        "target": np.arange(10, dtype=np.int32),
        "prediction": rng.normal(size=(10, 3)).astype(np.float32),
        "index": np.arange(10, dtype=np.int32),
    }


def parts(folder, arrays, ends):
    for number, (start, stop) in enumerate(zip([0, *ends], [*ends, 10])):
        piece = {name: array[start:stop] for name, array in arrays.items()}
        artifacts.write(folder / f"part-{number}.h5", artifacts.MAPS, piece, {})
    return [str(folder / f"part-{number}.h5") for number in range(len(ends) + 1)]


@pytest.mark.parametrize("ends", [[], [3], [1, 2, 9], list(range(1, 10))])
def test_a_gathered_file_has_the_arrays_and_the_content_of_one_that_was_written_whole(arrays, ends, tmp_path):
    artifacts.write(tmp_path / "whole.h5", artifacts.MAPS, arrays, {})
    artifacts.gather(tmp_path / "gathered.h5", artifacts.MAPS, parts(tmp_path, arrays, ends), {})
    whole, gathered = (artifacts.record(tmp_path / f"{name}.h5") for name in ("whole", "gathered"))
    assert gathered == whole
    assert artifacts.intact(tmp_path / "gathered.h5")
    found = artifacts.read(tmp_path / "gathered.h5", artifacts.MAPS)
    assert found.keys() == arrays.keys()
    assert all(found[name].dtype == arrays[name].dtype and np.array_equal(found[name], arrays[name]) for name in arrays)


def test_nothing_is_copied_and_the_folder_may_move(arrays, tmp_path, monkeypatch):
    (tmp_path / "one").mkdir()
    artifacts.gather(tmp_path / "one" / "all.h5", artifacts.MAPS, parts(tmp_path / "one", arrays, [4]), {})
    with h5py.File(tmp_path / "one" / "all.h5") as file:
        assert all(file[name].is_virtual for name in file)
    (tmp_path / "one").rename(tmp_path / "other")
    monkeypatch.chdir("/")
    assert artifacts.intact(tmp_path / "other" / "all.h5")


@pytest.mark.parametrize("harm", ["gone", "other"])
def test_a_part_that_is_gone_or_other_is_not_taken_for_what_it_was(arrays, harm, tmp_path):
    paths = parts(tmp_path, arrays, [4])
    artifacts.gather(tmp_path / "all.h5", artifacts.MAPS, paths, {})
    Path(paths[1]).unlink()
    if harm == "other":
        artifacts.write(paths[1], artifacts.MAPS, {name: array[4:][::-1] for name, array in arrays.items()}, {})
    assert not artifacts.intact(tmp_path / "all.h5")


def test_a_gathered_file_counts_by_what_its_parts_hold(arrays, tmp_path):
    artifacts.gather(tmp_path / "all.h5", artifacts.MAPS, parts(tmp_path, arrays, [4]), {})
    whole = sum(array.nbytes for array in arrays.values())
    for name, bytes_elsewhere in (("all.h5", whole), ("part-0.h5", 0)):
        path = tmp_path / name
        assert freshness.size(str(path)) == path.stat().st_size + bytes_elsewhere


def test_a_window_is_read_as_a_file_of_its_own(arrays, tmp_path):
    artifacts.write(tmp_path / "whole.h5", artifacts.MAPS, arrays, {})
    with artifacts.Reader(tmp_path / "whole.h5", artifacts.MAPS) as reader:
        assert windows.part(reader, None) is reader
        window = windows.part(reader, [3, 8])
        assert (len(window), window["attribution"].shape) == (5, (5, 1, 4, 5))
        assert window.names() == reader.names()
        assert "label" in window
        assert window["label"][slice(0, 2)].tolist() == [3, 4]
        assert window["label"][slice(4, 99)].tolist() == [7]
        assert len(windows.part(reader, [8, 2**63])) == 2
        with pytest.raises(ValueError, match=r"no images from 10 on, the file has 10: say in the data set's options"):
            windows.part(reader, [10, 20])


@pytest.mark.parametrize(("wanted", "rows", "step"), [(None, None, None), (1, None, 64), (64, None, 64),
                                                      (65, None, 128), (10, 4, 12), (12, 4, 12)])  # fmt: skip
def test_shards_are_whole_batches(wanted, rows, step):
    told = {"resources": {"images_per_job": wanted} if wanted else {}, "explain": {"rows": rows} if rows else {}}
    assert sizes.step(told) == step
    assert sizes.shards(told, 128) == (-(-128 // step) if step else 1)


def test_settings_without_shards_have_none():
    assert sizes.sharded(config.complete(changed())) == []


@pytest.mark.workflow
def test_maps_readings_and_scores_are_the_same_with_any_number_of_shards(tmp_path):
    told = yaml.safe_load((ROOT / "tests" / "settings.yaml").read_text())
    del told["datasets"]["fashion"]
    methods = {name: told["methods"][name] for name in ("gradient", "smoothgrad_3", "grad_cam")}
    together = {"explain": {"rows": 4, "together": {"pair": ["gradient", "smoothgrad_3"]}}, "scoring": {"images": 14}}
    told |= together | {"methods": methods, "metrics": {"dauc": {}}, "roar": {"datasets": []}}
    found = []
    for name, parts in (("whole", {}), ("shards", {"resources": {"images_per_job": 7}})):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "settings.yaml").write_text(yaml.safe_dump(told | parts, sort_keys=False))
        words = [
            "results/tables/scores.csv",
            "results/tables/map_quality.csv",
            "--configfile",
            folder / "settings.yaml",
        ]
        snakemake(ROOT, folder, *words)
        made = [*folder.rglob("maps/*/test.h5"), *folder.rglob("readings/*/*.h5"), *folder.rglob("scores/*.h5")]
        found.append({path.relative_to(folder).as_posix(): artifacts.record(path)["content"]
                      for path in made if "-of-" not in path.name})  # fmt: skip
        found[-1]["tables"] = [(folder / word).read_bytes() for word in words[:2]]
    assert len(found[0]) == 3 + 3 + 1 + 1
    assert found[0] == found[1]
    assert len([*folder.rglob("maps/*/test-*-of-3.h5")]) == 3 * 3
    assert len([*folder.rglob("readings/*/*-of-2.h5")]) == 3 * 2
    assert jobs(ROOT, folder, *words) == {}
    sound = config.complete(told | parts)
    assert audited(folder, sound) == {("missing", "report.html")}
    part = next(folder.rglob("maps/gradient/test-1-of-3.h5"))
    with h5py.File(part, "r+") as file:
        file["attribution"][0] += 1
    altered = {("altered", part.relative_to(folder / "results").as_posix())}
    whole = part.with_name("test.h5").relative_to(folder / "results").as_posix()
    assert audited(folder, sound) == {("missing", "report.html")} | altered | {("altered", whole)}


def audited(folder, settings):
    return {(each.kind, each.path) for each in audit.findings(lineage.Results(folder / "results"), settings)}
