"""A run is what was made, or the audit says by name what is not: every kind of tampering is caught."""

import json
import re
import shutil
from hashlib import sha256
from pathlib import Path

import h5py
import pytest
import yaml

from saliency_benchmark import (
    artifacts,
    audit,
    config,
    files,
    lineage,
    provenance,
    run_records,
    settings_now,
    utility_design,
)
from saliency_benchmark.__main__ import main
from tests import small_run
from tests.small_run import MODEL, SETTINGS
from tests.test_architecture import ROOT

MAPS = f"{MODEL}/maps/gradient/test.h5"
OTHER_MAPS = f"{MODEL}/maps/smoothgrad_3/test.h5"


def found(results, settings=SETTINGS):
    """(kind, path) of every finding -> what it says."""
    told = audit.findings(lineage.Results(results), config.complete(settings) if settings else None)
    return {(each.kind, each.path): each.what for each in told}


def flip(path):
    """Change one byte in the middle of the file's largest array."""
    with h5py.File(path, "r+") as file:
        largest = max(file.values(), key=lambda array: array.nbytes)
        whole = largest[()]
        whole.reshape(-1).view("u1")[whole.nbytes // 2] ^= 1
        largest[...] = whole


def edit_cell(path):
    text = path.read_text()
    cell = text.splitlines()[1].rpartition(",")[2]
    path.write_text(text.replace(cell, "0.987", 1))


def edit_note(path):
    """Let the note beside PATH say that PATH holds what it holds now."""
    note = json.loads(files.note_path(path).read_text())
    files.note_path(path).write_text(json.dumps(note | {"content": sha256(path.read_bytes()).hexdigest()}))


def swap(one, other):
    pairs = [(one, other)]
    if files.note_path(one).exists():
        pairs.append((files.note_path(one), files.note_path(other)))
    for first, second in pairs:
        aside = first.with_name("aside")
        first.rename(aside), second.rename(first), aside.rename(second)


def test_a_whole_run_passes_and_is_summed_up(results, capsys):
    assert found(results) == {}
    assert main(["audit", str(results)]) == 0
    told = capsys.readouterr().out
    assert "all is well" in told
    assert "12 that tables and figures come from" in told
    assert "26 in 2 tables; figures in the report: 2" in told
    assert "26 in 2 files" in told


def test_a_byte_flipped_in_a_map_is_named_with_what_follows(results, capsys):
    flip(results / MAPS)
    assert found(results).keys() == {("altered", MAPS)}
    assert main(["audit", str(results)]) == 1
    told = capsys.readouterr().out
    assert f"altered: {results}/{MAPS}" in told
    assert "report.html" in told
    assert "to do: run Snakemake again" in told


def test_a_byte_flipped_anywhere_in_a_file_of_arrays_is_seen_or_changes_nothing(results):
    path = results / MAPS
    before, arrays = path.read_bytes(), artifacts.read(path, artifacts.MAPS)
    for place in range(0, len(before), max(1, len(before) // 40)):
        changed = bytearray(before)
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        if not found(results):
            now = artifacts.read(path, artifacts.MAPS)
            assert all((now[name] == arrays[name]).all() for name in arrays), place


@pytest.mark.parametrize("path", ["tables/agreement.csv", "tables/scores.csv", f"{MODEL}/agreement/relevance_mass.csv"])
def test_an_edited_cell_is_named(results, path):
    edit_cell(results / path)
    assert found(results).keys() == {("altered", path)}


def test_a_note_edited_to_match_an_edited_cell_does_not_match_what_was_made_from_it(results):
    path = results / "tables/agreement.csv"
    edit_cell(path)
    edit_note(path)
    told = found(results)
    assert told.keys() == {("stale", "report.html")}
    assert "another tables/agreement.csv" in told["stale", "report.html"]


@pytest.mark.parametrize("how", ["text", "text and note"])
def test_an_altered_report_is_named_though_nothing_is_made_from_it(results, how):
    path = results / "report.html"
    path.write_text(path.read_text().replace("alpha", "omega"))
    if how == "text and note":
        edit_note(path)
    assert found(results).keys() == {("altered", "report.html")}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (MAPS, OTHER_MAPS),
        (f"{MODEL}/scores/pointing_game.h5", f"{MODEL}/scores/relevance_mass.h5"),
        (f"{MODEL}/agreement/pointing_game.csv", f"{MODEL}/agreement/relevance_mass.csv"),
        ("planted/images/train.h5", "planted/images/test.h5"),
        ("tables/agreement.csv", "tables/scores.csv"),
    ],
)
@pytest.mark.parametrize("chain", ["kept", "lost"])
def test_two_swapped_files_are_both_named(results, one, other, chain):
    swap(results / one, results / other)
    if chain == "lost":
        (results / "chain.json").unlink()
    told = {path for kind, path in found(results) if kind == "altered"}
    assert {one, other} <= told


@pytest.mark.parametrize(
    ("change", "path", "what"),
    [
        ({"training": {"epochs": 2, "batch_size": 10}}, f"{MODEL}/model.h5", "training.epochs was 1, is 2"),
        ({"models": {"small_cnn": {"options": {"width": 3}}}}, f"{MODEL}/model.h5", "model.options.width was 2, is 3"),
        ({"scoring": {"images": 5}}, f"{MODEL}/scores/pointing_game.h5", "images was 1000, is 5"),
        (
            {"methods": {"gradient": {}, "smoothgrad_3": {"file": "smoothgrad", "options": {"samples": 4}}}},
            OTHER_MAPS,
            "methods.smoothgrad_3.options.samples was 3, is 4",
        ),
        ({"metrics": {"pointing_game": {}}}, f"{MODEL}/scores/relevance_mass.h5", "metric was"),
        ({"explain": {"target": "label"}}, MAPS, "explain.target"),
    ],
)
def test_a_setting_changed_after_the_run_is_named_where_it_counts(results, change, path, what):
    told = found(results, SETTINGS | change)
    assert what in told["stale", path]
    assert ("stale", "report.html") in told
    assert ("stale", "planted/images/test.h5") not in told


def test_a_changed_option_of_one_method_concerns_that_method_alone(results):
    methods = {"gradient": {}, "smoothgrad_3": {"file": "smoothgrad", "options": {"samples": 4}}}
    assert {path for _, path in found(results, SETTINGS | {"methods": methods})} == {OTHER_MAPS, "report.html"}


def test_settings_on_record_that_cannot_be_used_any_more_stop_no_audit(tmp_path, capsys):
    results = small_run.make(tmp_path)
    (tmp_path / "settings.yaml").write_text("methods: {gone: {}}")
    flip(results / MAPS)
    assert main(["audit", str(results)]) == 1
    told = capsys.readouterr().out
    assert f"altered: {results}/{MAPS}" in told
    assert "the settings cannot be used" in told
    assert "2 findings: 1 altered, 1 unknown" in told


def test_a_shard_was_told_its_own_images_and_another_size_of_shards_is_a_change():
    told = config.complete(SETTINGS | {"resources": {"images_per_job": 10}, "explain": {"rows": 10}})
    names = {"dataset": "planted", "model": "small_cnn", "method": "gradient", "shard": "1", "shards": "3"}
    made = {"scoring": {"images": 10}, "part": [10, 20]}
    origin = {"rule": "probe_shard", "wildcards": names, "settings": made}
    assert list(settings_now.changes(origin, told)) == []
    other = config.complete(SETTINGS | {"resources": {"images_per_job": 20}, "explain": {"rows": 10}})
    assert list(settings_now.changes(origin, other)) == [
        "scoring.images was 10, is 20",
        "part was [10, 20], is [20, 40]",
    ]
    assert list(settings_now.changes(origin, config.complete(SETTINGS)))


@pytest.mark.parametrize("made_of", [False, True])
def test_what_lies_in_a_folder_is_held_against_nothing_and_the_options_beside_it_are(made_of, tmp_path):
    def made(**options):
        inner = {"of": "cifar10", "of_options": options, "objects": ["cat", "dog"]}
        return {"file": "image_grid", "options": inner} if made_of else {"file": "cifar10", "options": options}

    def origin(**options):
        return {"rule": "prepare_images", "wildcards": {"dataset": "photos"}, "settings": {"dataset": made(**options)}}

    told = config.complete(SETTINGS | {"datasets": SETTINGS["datasets"] | {"photos": made(root=str(tmp_path), test=3)}})
    assert list(settings_now.changes(origin(root="1f0e", test=3), told)) == []
    place = "dataset.options.of_options" if made_of else "dataset.options"
    assert list(settings_now.changes(origin(root="1f0e", test=2), told)) == [f"{place}.test was 2, is 3"]
    assert list(settings_now.changes(origin(root="1f0e"), told)) == [f"{place}.test was null, is 3"]


def test_settings_are_held_against_those_on_record_or_those_given(whole, tmp_path, capsys):
    given = tmp_path / "other.yaml"
    given.write_text(yaml.safe_dump(SETTINGS | {"training": {"epochs": 2, "batch_size": 10}}))
    assert main(["audit", str(whole)]) == 0
    assert f"held against {whole.parent / 'settings.yaml'}" in capsys.readouterr().out
    assert main(["audit", str(whole), "--settings", str(given)]) == 1
    assert "training.epochs was 1, is 2" in capsys.readouterr().out


@pytest.mark.parametrize("path", [MAPS, f"{MODEL}/model.h5", "planted/images/train.h5", "tables/scores.csv"])
def test_a_deleted_file_is_named_with_whom_it_is_missed_by(results, path):
    (results / path).unlink()
    told = found(results)
    assert told.keys() == {("missing", path)}
    files.note_path(results / path).unlink(missing_ok=True)
    assert found(results).keys() == {("missing", path)}


def test_a_deleted_input_is_missed_by_its_contents_where_no_note_names_it(results):
    (results / "chain.json").unlink()
    (results / MAPS).unlink()
    told = [path for kind, path in found(results) if kind == "missing"]
    assert f"input maps of {MODEL}/scores/pointing_game.h5" in told


@pytest.mark.parametrize("path", ["tables/agreement.csv", "report.html", f"{MODEL}/agreement/pointing_game.csv"])
@pytest.mark.parametrize("how", ["gone", "cut"])
def test_a_file_without_its_note_is_named(results, path, how):
    note = files.note_path(results / path)
    note.unlink() if how == "gone" else note.write_text(note.read_text()[:100])
    assert ("missing", path) in found(results)


def test_a_file_made_by_other_code_is_named(results):
    record = artifacts.record(results / MAPS)
    origin = record["origin"] | {"settings": record["origin"]["settings"] | {"code": "0123456789ab numpy=1.0"}}
    arrays = artifacts.read(results / MAPS, artifacts.MAPS)
    artifacts.write(results / MAPS, artifacts.MAPS, arrays, origin)
    told = found(results)
    assert told.keys() == {("other code", MAPS)}
    assert "0123456789ab" in told["other code", MAPS]


def test_code_that_changed_since_is_named_for_what_it_made_and_a_comment_is_no_change(results, tmp_path, monkeypatch):
    for part in ("saliency_benchmark", "workflow_scripts", "data"):
        shutil.copytree(provenance.ROOT / part, tmp_path / "code" / part, ignore=shutil.ignore_patterns("__pycache__"))
    method = tmp_path / "code/saliency_benchmark/methods/smoothgrad.py"
    text = method.read_text()
    method.write_text(text + "\n# The end.\n")
    monkeypatch.setattr(provenance, "ROOT", tmp_path / "code")
    assert found(results) == {}
    provenance._meaning.cache_clear()
    method.write_text(text + "\nMORE = 1\n")
    told = found(results)
    assert told.keys() == {("other code", OTHER_MAPS)}
    assert "saliency_benchmark/methods/smoothgrad.py" in told["other code", OTHER_MAPS]


def test_another_version_of_a_package_is_named(results, monkeypatch):
    monkeypatch.setattr(provenance, "version", lambda package: "99" if package == "krippendorff" else real(package))
    told = found(results)
    assert {path for _, path in told} == {path for path in lineage.Results(results).files if "relevance" in path
                                          or "pointing" in path}  # fmt: skip
    assert "krippendorff was 0.9.0, is 99" in told["other code", f"{MODEL}/scores/pointing_game.h5"]


real = provenance.version


def test_what_no_table_comes_from_is_told_of_and_no_fault(results, capsys):
    arrays = artifacts.read(results / MAPS, artifacts.MAPS)
    left = f"{MODEL}/maps/occlusion/test.h5"
    artifacts.write(results / left, artifacts.MAPS, arrays | {"target": arrays["target"] + 1}, {"wildcards": {}})
    (results / "mine.csv").write_text("a\n1\n")
    assert found(results) == {}
    main(["audit", str(results)])
    assert f"2 files that no table and no figure comes from (mine.csv, {left})" in capsys.readouterr().out
    flip(results / left)
    assert found(results).keys() == {("altered", left)}


def test_a_run_without_the_note_of_its_chain_is_traced_by_contents(results):
    (results / "chain.json").unlink()
    assert found(results).keys() == {("unknown", "chain.json")}


@pytest.mark.parametrize("text", ["{", "[]", '{"files": {"results/a.csv": {}}}', '{"files": 3}'])
def test_a_broken_note_of_the_chain_is_a_clear_error(results, text, capsys):
    (results / "chain.json").write_text(text)
    assert main(["audit", str(results)]) == 1
    assert "cannot be read" in capsys.readouterr().err


def test_no_folder_is_a_clear_error(tmp_path, capsys):
    assert main(["audit", str(tmp_path / "nowhere")]) == 1
    assert "wanted: the folder of results" in capsys.readouterr().err


def test_an_empty_folder_has_no_report(tmp_path):
    assert ("missing", "report.html") in found(tmp_path, None)


def test_records_tell_which_jobs_ran_how_long_and_how_they_ended(tmp_path):
    record = run_records.Record(tmp_path)
    record.note("run begins", host="here", settings=["a.yaml"], changes={"seeds": [1]})
    record.begin(1, rule="train", output=["model.h5"], log=["train.log"])
    record.begin(2, rule="rank", output=["ranks.h5"], log=["rank.log"])
    record.end(1, False)
    record.end(7, True)
    told = run_records.jobs(tmp_path)
    assert [(job["rule"], job.get("success")) for job in told] == [("train", False), ("rank", None)]
    assert told[0]["host"] == "here"
    assert told[0]["log"] == ["train.log"]
    assert told[0]["end"] >= told[0]["start"]
    assert run_records.settings_files(tmp_path) == ([Path("a.yaml")], {"seeds": [1]})


def test_a_line_that_a_killed_run_left_is_no_obstacle(tmp_path):
    record = run_records.Record(tmp_path)
    record.note("run begins")
    record.begin(1, rule="train")
    (path,) = (tmp_path / run_records.FOLDER).iterdir()
    path.write_text(path.read_text() + '{"event": "job e')
    assert [job["rule"] for job in run_records.jobs(tmp_path)] == ["train"]


def test_records_that_cannot_be_written_stop_no_run(tmp_path):
    (tmp_path / "logs").write_text("a file")
    run_records.Record(tmp_path).note("run begins")


# What follows from wildcards, from the rows of other rules, or stands in the artifact's own name.
NOT_HELD = {"code", "rows", "members", "split", "kind", "examples", "initialised", "seeds",
            "degrade.seed", "report.pairs"}  # fmt: skip


def test_every_param_of_a_rule_is_held_against_the_settings_or_known_to_follow_from_its_name():
    """A new one must join `settings_now.TOLD`: else a change of it would make the report alone stale."""
    missing = []
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for rule, body in re.findall(r"^ *rule (\w*):\n(.*?)(?=^ *rule|^def|\Z)", path.read_text(), re.M | re.S):
            params = re.search(r"^ +params:\n(.*?)^ +script:", body, re.M | re.S)
            width = len(re.match(" *", params[1])[0]) if params else 0
            for name in re.findall(rf"^ {{{width}}}(\w+)=", params[1], re.M) if params else ():
                known = {name, f"{rule}.{name}"}
                missing += [] if known & (settings_now.TOLD.keys() | NOT_HELD) else [f"{path.name}: {rule}.{name}"]
    assert not missing


def test_what_the_utility_study_was_told_is_held_against_the_settings():
    utility = {"tasks": ["counterfactual_simulation"], "grid": 4, "repeats": 2}
    told = config.complete(SETTINGS | {"utility": utility})
    origin = {"rule": "simulate", "wildcards": {}, "settings": {"users": files.plain(utility_design.users(told))}}
    assert list(settings_now.changes(origin, told)) == []
    other = config.complete(SETTINGS | {"utility": utility | {"repeats": 3}})
    assert list(settings_now.changes(origin, other)) == ["users.repeats was 2, is 3"]
    posed = {"rule": "pose_simulation", "wildcards": {}, "settings": {"cells": 5, "shift": {"blur": {"options": {}}}}}
    assert list(settings_now.changes(posed, told)) == ["cells was 5, is 4"]
