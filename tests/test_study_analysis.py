"""Logs of simulated people whose effects are known, and what happens to logs: cut, doubled, foreign, impossible."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from saliency_benchmark import __main__
from saliency_benchmark.study import events as pages
from saliency_benchmark.study import log_form
from saliency_benchmark.study_analysis import contract, rules, study_report
from saliency_benchmark.study_analysis import simulated_participants as simulated
from saliency_benchmark.study_analysis.simulated_participants import Study

TWO = {"none": 0.0, "oracle": 0.0}


@pytest.fixture
def logs(tmp_path):
    """A small study: the folder of its logs."""
    simulated.write(tmp_path / "logs", Study(people=6, items=8, effects=TWO), 0)
    return tmp_path / "logs"


@pytest.fixture
def study(whole_study, monkeypatch):
    """Run the command, but for its page, which takes as long as all else."""
    monkeypatch.setattr(study_report, "render", lambda *_: "")
    return whole_study


@pytest.fixture
def whole_study(tmp_path, capsys):
    """Run the command: -> exit code, its tables, what it said."""

    def run(*words):
        output = tmp_path / "out"
        code = __main__.main(["study", "--resamples", "100", *map(str, words), "--output", str(output)])
        tables = {path.stem: pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in output.glob("*.csv")}
        said = capsys.readouterr()
        return code, tables, said.out + said.err

    return run


def change(path, number, **parts):
    """The event NUMBER of the log PATH with other PARTS; a removed line where none are given."""
    lines = path.read_text().splitlines(keepends=True)
    lines[number : number + 1] = [json.dumps(json.loads(lines[number]) | parts) + "\n"] if parts else []
    path.write_text("".join(lines))


def place(path, phase):
    """Number of the first line of PHASE in the log PATH."""
    return next(i for i, line in enumerate(path.read_text().splitlines()) if json.loads(line)["phase"] == phase)


def excluded(tables, participant="p0000"):
    row = tables["participants"].set_index("participant").loc[participant]
    return "" if pd.isna(row["excluded"]) else row["excluded"]


def found(tables, problem):
    table = tables["problems"]
    return table[table["problem"] == problem]


# --- what is recovered ---


@pytest.mark.parametrize("within", [False, True])
def test_a_planted_effect_is_found_and_a_null_is_called_equivalent(study, tmp_path, within):
    effects = {"none": 0.0, "oracle": 0.2, "smoothgrad": 0.0}
    truth = Study(effects=effects, people=60 if within else 110, items=20, within=within)
    simulated.write(tmp_path / "logs", truth, 2)
    code, tables, _ = study(tmp_path / "logs")
    assert code == 0
    table = tables["contrasts"].set_index("condition")
    assert table["verdict"].to_dict() == {"oracle": "differs", "smoothgrad": "equivalent"}
    for name, row in table.iterrows():
        assert abs(row["difference"] - effects[name]) < 3 * row["error"]
        assert row["low"] < row["equivalence_low"] < row["difference"] < row["equivalence_high"] < row["high"]
        assert row["p_holm"] < 0.05 if name == "oracle" else row["p_difference_holm"] > 0.05
        assert row["bootstrap_low"] < row["difference"] < row["bootstrap_high"]
        # Marginal differences are smaller than those at a given person and item.
        assert np.sign(row["log_odds"]) == np.sign(row["difference"])
    accuracy = tables["accuracy"].query("phase == 'evaluation'").set_index("condition")["accuracy"]
    gap = accuracy["oracle"] - accuracy["none"]
    assert gap == pytest.approx(table.loc["oracle", "difference"], abs=0.02 if within else 1e-9)


def test_the_model_has_both_factors_and_their_interaction(study, tmp_path):
    truth = Study(effects={"none": 0.0, "oracle": 0.15}, people=15, items=12, access=log_form.ACCESS)
    simulated.write(tmp_path / "logs", truth, 1)
    _, tables, _ = study(tmp_path / "logs")
    model = tables["model"].set_index("term")
    assert model.index.tolist() == [
        "intercept",
        "condition[oracle]",
        "access[training_evaluation]",
        "condition[oracle]:access[training_evaluation]",
        "sd(participant)",
        "sd(item)",
    ]
    assert (model["formula"] == "correct ~ condition * access + (1 | participant) + (1 | item)").all()
    odds = tables["contrasts"].set_index("access")["log_odds"]
    assert odds["training"] == pytest.approx(model.loc["condition[oracle]", "estimate"])
    assert odds["training_evaluation"] == pytest.approx(model["estimate"].iloc[[1, 3]].sum())


def test_a_design_of_one_condition_or_one_access_has_a_smaller_formula_and_says_so(study, logs, tmp_path):
    _, tables, said = study(logs)
    assert tables["model"]["formula"].iloc[0] == "correct ~ condition + (1 | participant) + (1 | item)"
    assert "the formula is reduced" in said
    simulated.write(tmp_path / "one", Study(people=6, items=8, effects={"none": 0.0}), 0)
    code, tables, said = study(tmp_path / "one")
    assert code == 0
    assert tables["model"]["formula"].iloc[0] == "correct ~ 1 + (1 | participant) + (1 | item)"
    assert "nothing to compare" in said
    assert not len(tables["contrasts"])


def test_a_baseline_that_is_there_under_one_access_alone_serves_both(study, tmp_path):
    paths = simulated.write(tmp_path / "logs", Study(people=6, items=8, effects=TWO, access=log_form.ACCESS), 0)
    for path in paths[12:18]:
        assert '"none"' in path.read_text()
        path.unlink()
    _, tables, _ = study(tmp_path / "logs")
    table = tables["contrasts"].set_index("access")
    assert table.loc["training_evaluation", "note"].startswith("no none under this access")
    assert np.isfinite(table["difference"]).all()
    assert tables["model"]["term"].iloc[0] == "cell[none, training]"


def test_separation_is_told_and_the_rest_is_analysed(study, logs):
    for path in sorted(logs.glob("*"))[6:]:
        text = path.read_text()
        path.write_text(text.replace('"correct": false', '"correct": true'))
    code, tables, said = study(logs)
    assert code == 0
    assert "separation: all answers under oracle" in said
    row = tables["accuracy"].query("condition == 'oracle' and phase == 'evaluation'").iloc[0]
    assert (row["accuracy"], np.isnan(row["low"])) == (1, True)
    assert "all answers are correct" in row["note"]
    contrast = tables["contrasts"].iloc[0]
    assert np.isnan(contrast["log_odds"])
    assert contrast["difference"] > 0


def test_a_study_of_one_participant_says_that_it_has_no_error(study, logs):
    for path in sorted(logs.glob("*"))[1:]:
        path.unlink()
    code, tables, said = study(logs)
    assert code == 0
    assert "wants two participants" in said
    assert np.isnan(tables["accuracy"]["low"]).all()


def test_the_page_stands_alone_and_says_what_the_tables_say(whole_study, tmp_path):
    truth = Study(effects={"none": 0.0, "<b>&": 0.3}, people=40, items=10)
    simulated.write(tmp_path / "logs", truth, 0)
    whole_study(tmp_path / "logs")
    page = (tmp_path / "out" / "report.html").read_text()
    assert not re.search(r"(src|href)=.(?!#|data:)", page)
    assert "&lt;b&gt;&amp; differs from none" in page
    assert "<b>&" not in page
    assert page.count("<svg") == 2


def test_the_same_logs_and_seed_give_the_same_bytes_in_any_order(study, logs, tmp_path):
    study(logs)
    first = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.csv")}
    study(*sorted(logs.glob("*"), reverse=True))
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.csv")} == first


# --- what may be wrong with logs ---


def test_a_sound_study_loses_nobody_and_has_no_problem(study, logs):
    code, tables, _ = study(logs)
    assert code == 0
    assert not len(tables["problems"])
    assert tables["participants"]["kept"].all()
    assert (tables["exclusions"]["excluded"] == 0).all()


def test_a_log_that_was_cut_in_a_line_is_named_and_its_participant_unfinished(study, logs):
    path = logs / "p0000.jsonl"
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b'"item"')])
    code, tables, said = study(logs)
    assert code == 0
    row = found(tables, "cut_line").iloc[0]
    assert (row["file"], row["line"]) == (str(path), data.count(b"\n"))
    assert excluded(tables) == "unfinished"
    assert "cut_line: 1" in said


def test_repeated_lines_and_files_are_counted_and_change_nothing(study, logs, tmp_path):
    _, before, _ = study(logs)
    path = logs / "p0000.jsonl"
    (logs / "copy.jsonl").write_text(path.read_text())
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[3]]))
    _, tables, _ = study(logs)
    assert len(found(tables, "repeated_line")) == len(lines) + 1
    assert excluded(tables) == ""
    pd.testing.assert_frame_equal(tables["accuracy"], before["accuracy"])


def test_one_place_with_two_contents_excludes_the_participant(study, logs):
    path = logs / "p0000.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, json.dumps(json.loads(lines[5]) | {"rt_ms": 1.0}) + "\n"]))
    _, tables, _ = study(logs)
    row = found(tables, "other_content").iloc[0]
    assert (row["line"], row["participant"]) == (len(lines) + 1, "p0000")
    assert excluded(tables) == "two_contents"


def test_two_logs_of_one_participant_exclude_him_and_the_parts_of_one_do_not(study, logs):
    first, other = logs / "p0000.jsonl", logs / "p0001.jsonl"
    other.write_text(other.read_text().replace('"p0001"', '"p0000"'))
    lines = (logs / "p0002.jsonl").read_text().splitlines(keepends=True)
    (logs / "p0002.jsonl").write_text("".join(lines[:9]))
    (logs / "p0002-after-reload.jsonl").write_text("".join(lines[7:]))
    _, tables, _ = study(logs)
    assert len(found(tables, "two_logs")) == len(first.read_text().splitlines())
    assert excluded(tables) == "two_contents"
    assert excluded(tables, "p0002") == ""


def test_a_log_of_another_study_is_named_and_left_out(study, logs):
    path = logs / "p0000.jsonl"
    path.write_text(path.read_text().replace("0123456789ab", "ffffffffffff"))
    code, tables, _ = study(logs)
    assert code == 0
    assert len(found(tables, "other_study")) == len(path.read_text().splitlines())
    assert "p0000" not in set(tables["participants"]["participant"])
    code, tables, _ = study(logs, "--study", "ffffffffffff")
    assert tables["participants"]["participant"].tolist() == ["p0000"]
    code, _, said = study(logs, "--study", "eeeeeeeeeeee")
    assert code == 1
    assert "the logs are of: 0123456789ab, ffffffffffff" in said


def test_studies_of_equal_size_must_be_told_apart(study, logs):
    for path in sorted(logs.glob("*"))[6:]:
        path.write_text(path.read_text().replace("0123456789ab", "ffffffffffff"))
    code, _, said = study(logs)
    assert code == 1
    assert "name one with --study" in said


def test_impossible_times_exclude(study, logs):
    paths = sorted(logs.glob("*"))
    change(paths[0], place(paths[0], "evaluation"), rt_ms=-5)
    change(paths[1], 4, time="2020-01-01T00:00:00Z")
    _, tables, _ = study(logs)
    assert sorted(found(tables, "impossible_time")["participant"]) == ["p0000", "p0001"]
    assert excluded(tables) == "impossible_times"
    assert excluded(tables, "p0001").startswith("impossible_times")
    _, tables, _ = study(logs, "--exclude", "impossible_times=off")
    assert excluded(tables) == ""
    trials = tables["accuracy"].query("phase == 'evaluation'").set_index("condition")["trials"]
    assert trials["none"] == 6 * 8 - 1 if excluded(tables, "p0001") == "" else 5 * 8 - 1


def test_trials_without_their_map_are_left_out_and_too_many_exclude(study, logs):
    paths = sorted(logs.glob("*"))[6:]
    for number, path in enumerate(paths[:2]):
        start = place(path, "evaluation")
        for line in range(start, start + 1 + 2 * number):
            if json.loads(path.read_text().splitlines()[line])["phase"] == "evaluation":
                change(path, line, map=None)
    _, tables, _ = study(logs)
    assert excluded(tables, "p0006") == ""
    assert excluded(tables, "p0007") == "missing_maps"
    assert len(found(tables, "missing_map")) >= 3
    row = tables["accuracy"].query("phase == 'evaluation' and condition == 'oracle'").iloc[0]
    assert row["trials"] == 5 * 8 - 1


def test_a_lost_line_is_counted(study, logs):
    for _ in range(3):
        change(logs / "p0000.jsonl", 6)
    change(logs / "p0001.jsonl", 6)
    _, tables, _ = study(logs)
    assert excluded(tables) == "lost_lines"
    assert excluded(tables, "p0001") == ""


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"access": "both"}, "access 'both'"),
        ({"phase": "Evaluation"}, "phase 'Evaluation'"),
        ({"answer": 2}, "answer 2"),
        ({"answer": True}, "answer True"),
        ({"correct": None}, "no item or no correct"),
        ({"correct": 1}, "correct 1"),
        ({"confidence": 5}, "confidence 5"),
        ({"rt_ms": None}, "rt_ms None"),
        ({"rt_ms": "12"}, "rt_ms '12'"),
        ({"rt_ms": float("nan")}, "NaN"),
        ({"time": "yesterday"}, "time 'yesterday'"),
        ({"time": "2026-01-05T09:00:00"}, "UTC"),
        ({"sequence": -1}, "sequence -1"),
        ({"trial": 1.5}, "trial 1.5"),
        ({"participant": ""}, "participant ''"),
        ({"condition": ["none"]}, "condition"),
        ({"item": 17}, "item 17"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_line_that_is_no_event_is_named_with_its_file_and_line(study, logs, parts, told):
    path = logs / "p0000.jsonl"
    number = place(path, "evaluation")
    change(path, number, **parts)
    code, tables, _ = study(logs, "--exclude", "lost_lines=off")
    assert code == 0
    row = found(tables, "malformed_line").iloc[0]
    assert (row["file"], row["line"]) == (str(path), number + 1)
    assert told in row["detail"]


@pytest.mark.parametrize("key", contract.KEYS)
def test_a_missing_key_is_named(key):
    _, events = next(simulated.logs(Study(people=1, items=4)))
    event = {name: value for name, value in events[10].items() if name != key}
    with pytest.raises(ValueError, match=rf"lacks {key}\b"):
        contract.event(json.dumps(event).encode())
    contract.event(json.dumps(events[10] | {"more": 1}).encode())


@pytest.mark.parametrize(
    "line", [b"\xff\xfe", b"[1]", b"12", b"null", b"{", b"{}", b"[" * 100_000, b"1" * 10_000, b'{"a": 1} {"b": 2}']
)
def test_whatever_stands_in_a_line_it_is_told(line):
    with pytest.raises(ValueError, match=r"is no|holds|lacks|nested|digits"):
        contract.event(line)


def test_logs_that_hold_nothing_are_told_without_a_traceback(study, tmp_path):
    (tmp_path / "empty.jsonl").write_text("")
    (tmp_path / "picture.jsonl").write_bytes(bytes(range(256)) * 20)
    for words, told in (
        ([tmp_path / "none.jsonl"], "no file or folder"),
        ([tmp_path / "empty.jsonl"], "holds no line"),
        ([tmp_path / "picture.jsonl"], "there is no event"),
    ):
        code, tables, said = study(*words)
        assert (code, tables) == (1, {})
        assert told in said
    (tmp_path / "bare").mkdir()
    code, _, said = study(tmp_path / "bare")
    assert "holds no log" in said


def test_where_everybody_is_excluded_the_rules_are_told_and_the_page_is_there(whole_study, logs, tmp_path):
    code, tables, said = whole_study(logs, "--exclude", "reading_seconds=1000")
    assert code == 1
    assert "no participant is left of 12" in said
    row = tables["exclusions"].query("rule == 'reading_seconds' and condition == 'all'").iloc[0]
    assert (row["excluded"], row["excluded_first"]) == (12, 12)
    assert "Nobody is left" in (tmp_path / "out" / "report.html").read_text()


def test_the_output_may_lie_among_the_logs(study, logs):
    for _ in range(2):
        assert __main__.main(["study", str(logs), "--output", str(logs / "out"), "--resamples", "100"]) == 0
    assert not len(pd.read_csv(logs / "out" / "problems.csv"))


def test_who_does_not_agree_leaves_a_log_and_no_trial(study, logs):
    path = logs / "p0000.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    lines[1] = lines[-1] | {"sequence": 1}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines[:2]))
    pilot = logs / "p0001.jsonl"
    pilot.write_text(pilot.read_text().replace('{"study"', '{"pilot": true, "study"'))
    _, tables, _ = study(logs)
    assert excluded(tables).startswith("no_evaluation")
    assert excluded(tables, "p0001") == "pilot"
    assert tables["participants"]["kept"].sum() == 10


@pytest.mark.parametrize("within", [False, True])
def test_simulated_logs_are_such_as_the_pages_write(within):
    for _, events in simulated.logs(Study(people=2, items=4, within=within)):
        for event in events:
            pages.Event.model_validate_json(json.dumps(event))


# --- rules ---


def people(**measures):
    usual = {
        "pilot": 0,
        "no_evaluation": 0,
        "two_contents": 0,
        "lost_lines": 0.0,
        "unfinished": 0,
        "impossible_times": 0,
        "missing_maps": 0.0,
    }
    usual |= {"catch_share": 1.0, "reading_seconds": 30.0, "total_minutes": 20.0, "same_answer": 0.5}
    return pd.DataFrame([{"condition": "none", **usual, **measures}])


@pytest.mark.parametrize(
    ("rule", "stays", "goes"),
    [
        ("catch_trials", {"catch_share": 0.6}, {"catch_share": 0.59}),
        ("reading_seconds", {"reading_seconds": 5}, {"reading_seconds": 4.9}),
        ("shortest_minutes", {"total_minutes": 1}, {"total_minutes": 0.9}),
        ("longest_minutes", {"total_minutes": 180}, {"total_minutes": 181}),
        ("straight_lining", {"same_answer": 0.94}, {"same_answer": 0.95}),
        ("missing_maps", {"missing_maps": 0.1}, {"missing_maps": 0.11}),
        ("lost_lines", {"lost_lines": 0.05}, {"lost_lines": 0.06}),
        ("unfinished", {"unfinished": 0}, {"unfinished": 1}),
        ("impossible_times", {"impossible_times": 0}, {"impossible_times": 1}),
        ("two_contents", {"two_contents": 0}, {"two_contents": 1}),
        ("pilot", {"pilot": 0}, {"pilot": 1}),
        ("no_evaluation", {"no_evaluation": 0}, {"no_evaluation": 1}),
    ],
)
def test_a_rule_holds_at_its_bound_and_can_be_turned_off(rule, stays, goes):
    settings = rules.completed(None)
    assert rules.apply(people(**stays), settings)["excluded"].tolist() == [""]
    assert rules.apply(people(**goes), settings)["excluded"].tolist() == [rule]
    assert rules.apply(people(**goes), settings | {rule: None})["kept"].all()


def test_who_cannot_be_judged_stays_and_first_reasons_add_up():
    settings = rules.completed(None)
    table = pd.concat(
        [people(catch_share=np.nan), people(catch_share=0.0, unfinished=1), people(unfinished=1), people()],
        ignore_index=True,
    )
    table["condition"] = ["none", "none", "oracle", "oracle"]
    counts = rules.counts(table, settings).set_index(["condition", "rule"])
    assert rules.apply(table, settings)["kept"].tolist() == [True, False, False, True]
    assert counts.loc[("all", "catch_trials"), ["judged", "excluded", "excluded_first"]].tolist() == [3, 1, 0]
    for condition in ("all", "none", "oracle"):
        part = counts.loc[condition]
        assert part.loc["any", "excluded"] == part.drop("any")["excluded_first"].sum()
    assert counts.loc[("oracle", "any"), "excluded"] == 1


def test_settings_come_from_a_file_and_options_go_before_it(study, logs, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("exclusions: {catch_trials: null, reading_seconds: 1000}\nanalysis: {margin: 0.2, seed: 3}\n")
    assert study(logs, "--settings", path)[0] == 1
    code, tables, _ = study(logs, "--settings", path, "--exclude", "reading_seconds=off", "--margin", "0.15")
    assert code == 0
    assert "catch_trials" not in set(tables["exclusions"]["rule"])
    assert tables["contrasts"]["margin"].tolist() == [0.15]
    path.write_text("reading_seconds: 1000")
    assert study(logs, "--settings", path)[0] == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("exclusions: {catch: 1}", "unknown catch"),
        ("exclusions: {catch_trials: 60}", "0 to 1, or null"),
        ("exclusions: {catch_trials: yes}", "0 to 1, or null"),
        ("exclusions: [catch_trials]", "wanted: settings by name"),
        ("analysis: {margin: 2}", "a number between 0 and 1"),
        ("analysis: {seed: 2.5}", "a whole number"),
        ("analysis: {baseline: 3}", "a text"),
        ("analyses: {}", "unknown analyses"),
        ("- a", "wanted: settings by name"),
        ("a: [", "no YAML"),
    ],
)
def test_settings_that_cannot_be_used_are_told(study, logs, tmp_path, text, told):
    (tmp_path / "study.yaml").write_text(text)
    code, tables, said = study(logs, "--settings", tmp_path / "study.yaml")
    assert (code, tables) == (1, {})
    assert told in said


@pytest.mark.parametrize(
    "words", [["--exclude", "catch"], ["--margin", "nan"], ["--alpha", "0.7"], ["--resamples", "5"]]
)
def test_options_that_cannot_be_used_are_told(study, logs, words):
    code, _, said = study(logs, *words)
    assert code == 1
    assert "wanted" in said
