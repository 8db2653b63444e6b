"""The commands on anyone's table of scores: the workflow's own numbers, and clear errors for what cannot be used."""

import json
from itertools import count

import krippendorff
import numpy as np
import pandas as pd
import pytest
import yaml

from saliency_benchmark import __main__, analyses, comparing, evaluation, files, leaders, score_commands, score_tables
from tests.rankings import related, run

HEAD = "method,metric,image,score\n"
SETTINGS = {"level": "ordinal", "confidence": 0.99, "resamples": 200, "seed": 3}
FEW = ["--resamples", "200", "--seed", "3"]


def long(scores, **keys):
    """A table of SCORES (method, image), methods a, b, c, ..."""
    names = [name.decode() for name in run(scores)["method"]]
    table = pd.DataFrame(scores, index=pd.Index(names, name="method"), columns=pd.Index(range(scores.shape[1])))
    table = table.rename_axis(columns="image").stack(future_stack=True).rename("score").reset_index()
    return table.assign(**keys)


@pytest.fixture
def do(tmp_path, capsys):
    """Run COMMAND on a table, or a text: -> exit code, the table it wrote, what it said."""
    number = count()

    def run_command(command, table, *words):
        path, output = tmp_path / "in" / "scores.csv", tmp_path / f"out-{next(number)}" / "table.csv"
        path.parent.mkdir(exist_ok=True)
        text = table if isinstance(table, str | bytes) else table.to_csv(index=False)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        code = __main__.main([command, str(path), "--output", str(output), *map(str, words)])
        made = sorted(each.name for each in output.parent.glob("*")) if output.parent.exists() else []
        assert made == ([] if code else ["table.csv", "table.csv.origin.json"])
        return code, None if code else pd.read_csv(output, keep_default_na=False), capsys.readouterr().err

    return run_command


def test_the_workflows_own_table_comes_out_of_its_scores(do):
    scores = related(30, 4)
    scores[1, 3] = np.nan
    keys = {"dataset": "d", "model": "m", "recipe": "r", "seed": "0", "metric": "dauc"}
    expected = evaluation.agreement_table(run(scores), {"all": list("abcd")}, False, SETTINGS, keys)
    code, table, _ = do("agreement", long(scores, **keys), *FEW)
    assert code == 0
    assert table.columns.tolist() == [
        *("dataset", "model", "recipe", "seed", "metric", "group", "alpha", "low", "high"),
        *("level", "images", "methods", "invalid", "kendalls_w", "missing", "note"),
    ]
    shared = ["alpha", "low", "high", "images", "methods", "invalid", "kendalls_w"]
    assert table[shared].iloc[0].tolist() == pytest.approx(expected[shared].iloc[0].tolist(), abs=1e-15)
    assert table[["invalid", "missing"]].iloc[0].tolist() == [1, 0]


def test_neither_the_order_of_rows_nor_that_of_columns_matters(do):
    table = pd.concat([long(related(12, 3, seed), metric=metric) for seed, metric in enumerate(("dauc", "iauc"))])
    mixed = table.sample(frac=1, random_state=0)[["score", "image", "method", "metric"]]
    first, second = (do("agreement", each, *FEW)[1].set_index("metric") for each in (table, mixed))
    assert first["alpha"].to_dict() == pytest.approx(second["alpha"].to_dict(), abs=1e-12)
    assert first["low"].to_dict() == pytest.approx(second["low"].to_dict(), abs=1e-12)


def test_keys_are_carried_and_each_of_their_values_is_a_row(do):
    tables = [long(related(9, 3, s), lab=lab, metric="iauc", run=s) for s, lab in enumerate(["NA", "None", "1.0"])]
    _, table, _ = do("agreement", pd.concat(tables), *FEW)
    assert table.columns[:4].tolist() == ["lab", "run", "metric", "group"]
    assert table["lab"].tolist() == ["NA", "None", "1.0"]
    _, table, _ = do("agreement", tables[0], *FEW, "--ignore", "lab", "--ignore", "run")
    assert table.columns[0] == "metric"


def test_the_same_input_and_seed_give_the_same_bytes(tmp_path):
    path = tmp_path / "scores.csv"
    long(related(15, 4), metric="iauc").to_csv(path, index=False)
    for command in ("agreement", "ranks", "benchmark-size"):
        for output in ("one.csv", "two.csv"):
            assert __main__.main([command, str(path), "--output", str(tmp_path / output)]) == 0
        assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    record = files.record(tmp_path / "one.csv")
    assert record["content"] == files.content(tmp_path / "one.csv")
    assert str(tmp_path) not in json.dumps(record)


def test_a_score_that_is_no_number_is_invalid_and_a_row_that_is_not_there_is_missing(do):
    rows = ["a,iauc,1,0.9", "b,iauc,1,0.1", "c,iauc,1,0.5", "a,iauc,2,nan", "b,iauc,2,", "c,iauc,2,inf"]
    rows += ["a,iauc,3,3", "b,iauc,3,1", "a,iauc,4,4", "b,iauc,4,-1e999", "c,iauc,4,2"]
    _, table, _ = do("agreement", HEAD + "\n".join(rows), *FEW)
    row = table.iloc[0]
    assert row[["images", "methods", "invalid", "missing"]].tolist() == [3, 3, 4, 1]
    ranking = np.array([[1, 3, 2], [1, 2, np.nan], [1, np.nan, 2]])
    assert row["alpha"] == pytest.approx(krippendorff.alpha(ranking, level_of_measurement="ordinal"))


def test_a_metric_of_ours_knows_its_direction_and_another_is_asked_for():
    """Read from the metric's file: nothing is imported for it."""
    known = analyses.directions(["dauc", "iauc", "mine"], ["mine=lower"])
    assert known == {"dauc": False, "iauc": True, "mine": False}
    assert analyses.directions(["dauc", "mine"], ["higher"]) == {"dauc": True, "mine": True}
    assert analyses.directions(["dauc", "mine"], ["mine=lower", "higher"]) == {"dauc": True, "mine": False}
    with pytest.raises(ValueError, match=r"Not known of: mine; say --direction mine=higher \(or =lower\)"):
        analyses.directions(["dauc", "mine"], [])
    with pytest.raises(ValueError, match=r"direction of 'dauk', .*did you mean 'dauc'"):
        analyses.directions(["dauc"], ["dauk=lower"])
    with pytest.raises(ValueError, match="direction 'mine=up'; wanted: higher, lower"):
        analyses.directions(["mine"], ["mine=up"])


def test_direction_turns_the_ranks(do):
    table = long(np.array([[3.0, 3, 3], [2, 2, 2], [1, 1, 1]]), metric="mine")
    for direction, first in (("higher", "a"), ("mine=lower", "c")):
        _, found, _ = do("benchmark-size", table, "--direction", direction)
        assert found["winner"].tolist() == [first]


def test_groups_are_lists_of_methods_in_words_or_in_a_file(do, tmp_path):
    table = long(related(20, 4), metric="iauc")
    (tmp_path / "groups.yaml").write_text(yaml.safe_dump({"cam": ["a", "b"], "rest": ["c", "d"]}))
    (tmp_path / "settings.yaml").write_text(yaml.safe_dump({"groups": {"mine": ["a", "d"]}, "metrics": {"iauc": {}}}))
    words = ["--groups", tmp_path / "groups.yaml", "--groups", "odd=a,c", "--groups", tmp_path / "settings.yaml"]
    _, found, _ = do("agreement", table, *FEW, *words)
    assert found["group"].tolist() == ["cam", "rest", "odd", "mine"]
    assert (found["methods"] == 2).all()
    expected = evaluation.agreement_table(run(related(20, 4)), {"odd": ["a", "c"]}, True, SETTINGS, {})
    assert found["alpha"][2] == pytest.approx(expected["alpha"][0])


@pytest.mark.parametrize(
    ("groups", "told"),
    [
        ("cam=a,grad_kam", r"group 'cam' has grad_kam, not in the table; there are: a, b, c"),
        ("cam=", "group 'cam' has no methods"),
        ("cam=a,b,a", "group 'cam' has a method twice"),
        ("nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_groups_that_cannot_be_are_errors(do, groups, told):
    code, _, said = do("agreement", long(related(9, 3), metric="iauc"), "--groups", groups)
    assert code == 1
    assert told in said


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "is empty; wanted: a table with the columns method, metric, image, score"),
        (HEAD, "has a row of names and no scores"),
        ("method,image,score\na,1,2\n", "has no column metric; it has: method, image, score"),
        (HEAD.replace(",", ";") + "a;iauc;1;2\n", "cells are divided by commas"),
        ("score," + HEAD + "1,a,iauc,1,2\n", "more than one column score"),
        (HEAD + "a,iauc,1,2\nb,iauc,1,high\n", "row 3: the score is 'high', which is no number"),
        (HEAD + "a,iauc,1,1\nb,iauc,1,0,5\n", "more cells than columns, as a decimal comma makes"),
        (HEAD + "a,iauc,1,0,5\nb,iauc,1,0,5\n", "more cells than columns, as a decimal comma makes"),
        (HEAD + "a,iauc,1,2\nb,iauc\n", "row 3: no image; wanted: a value in each row"),
        (HEAD + "a,iauc,1,2\n,iauc,1,3\n", "row 3: no method; wanted: a value in each row"),
        (HEAD + "a,iauc,7,2\nb,iauc,7,2\na,iauc,7,3\n", "2 scores of metric iauc, method a, image 7; wanted: one"),
        (HEAD + "a,iauc,1,2\na,iauc,2,2\n", "has one method, a; two or more can be compared"),
        (HEAD + "a,mine,1,2\nb,mine,1,2\n", "is higher better or lower? Not known of: mine"),
        (b"\xff\xfe\x00PNG", "is no table of text"),
    ],
)
def test_what_cannot_be_used_is_an_error_that_says_what_is_wrong(do, table, told):
    """And nothing is written; the fixture looks."""
    for command in ("agreement", "benchmark-size"):
        code, _, said = do(command, table)
        assert code == 1
        assert said.startswith("error: ")
        assert told in said


def test_a_file_that_is_not_there_is_an_error(tmp_path, capsys):
    words = ["agreement", str(tmp_path / "no.csv"), "--output", str(tmp_path / "out.csv")]
    assert __main__.main(words) == 1
    assert f"there is no file {tmp_path / 'no.csv'}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_table_is_not_written_over_its_scores(tmp_path, capsys):
    path = tmp_path / "scores.csv"
    long(related(5, 3), metric="iauc").to_csv(path, index=False)
    before = path.read_bytes()
    assert __main__.main(["agreement", str(path), "--output", str(tmp_path / "." / "scores.csv")]) == 1
    assert "name another output" in capsys.readouterr().err
    assert path.read_bytes() == before


def test_an_old_output_stays_whole_where_the_new_cannot_be_made(tmp_path):
    path, output = tmp_path / "scores.csv", tmp_path / "out.csv"
    long(related(5, 3), metric="iauc").to_csv(path, index=False)
    words = ["agreement", str(path), "--output", str(output)]
    assert __main__.main(words) == 0
    before = output.read_bytes()
    path.write_text(HEAD + "a,iauc,1,oops\n")
    assert __main__.main(words) == 1
    assert output.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "told"),
    [(["--confidence", "99"], "confidence is 99"), (["--resamples", "5"], "at least 100"), (["--seed", "-1"], "seed")],
)
def test_numbers_out_of_bounds_are_errors(do, words, told):
    code, _, said = do("agreement", long(related(9, 3), metric="iauc"), *words)
    assert code == 1
    assert told in said


def test_columns_that_differ_in_every_row_are_no_keys(do):
    table = long(related(1200, 3), metric="iauc")
    table["seconds"] = np.arange(len(table)) / 7
    code, _, said = do("agreement", table)
    assert code == 1
    assert "seconds (3600 values) tell nearly every row apart" in said
    assert do("agreement", table, *FEW, "--ignore", "seconds")[0] == 0
    assert "cannot ignore second" in do("agreement", table, "--ignore", "second")[2]


def test_an_index_that_was_written_too_is_no_key(do):
    table = long(related(9, 3), metric="iauc")
    plain = do("agreement", table, *FEW)[1]
    assert do("agreement", table.reset_index().rename(columns={"index": ""}), *FEW)[1].equals(plain)


def test_spaces_a_byte_order_mark_and_quotes_are_no_part_of_names(do):
    text = "\ufeffmethod , metric, image, score\n" + '"a", iauc, 1, 2\n"b", iauc, 1, 1\na, iauc, 2, 2\nb, iauc, 2, 1\n'
    _, table, _ = do("ranks", text, *FEW)
    assert table["method"].tolist() == ["a", "b"]
    assert table["mean_rank"].tolist() == [1, 2]


def test_images_are_in_the_order_of_their_numbers(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text(HEAD + "a,iauc,10,3\na,iauc,9,2\na,iauc,100,4\nb,iauc,9,5\n")
    (cell,) = score_tables.cells(score_tables.read(path))
    assert np.array_equal(cell.scores["score"], [[2, 3, 4], [5, np.nan, np.nan]], equal_nan=True)
    assert cell.missing(["a", "b"]) == 2
    assert cell.missing(["a"]) == 0


def test_the_curve_is_written_beside_the_size(do, tmp_path):
    table = long(np.array([[3.0] * 6 + [1] * 4, [2] * 10]), metric="iauc")
    _, found, _ = do("benchmark-size", table, "--curve", tmp_path / "curve.csv", "--probability", "0.6")
    assert found[["winner", "minimum_images", "available_images"]].iloc[0].tolist() == ["a", 1, 10]
    curve = pd.read_csv(tmp_path / "curve.csv")
    assert curve["images"].tolist() == list(range(1, 11))
    assert curve["exact"].iloc[:3].tolist() == pytest.approx([0.6, 0.36, 0.6**3 + 3 * 0.6**2 * 0.4])


def test_an_empty_minimum_is_an_empty_cell(do):
    _, found, _ = do("benchmark-size", long(np.array([[1.0, 2, 1], [2, 1, 2]]), metric="iauc"))
    assert found[["minimum_images", "resampled_images"]].iloc[0].tolist() == ["", ""]
    assert found["note"].iloc[0].startswith("no number up to 3 images suffices")


def test_differences_of_recipes_come_from_one_table(do):
    parts = [
        long(related(30, 3, 10 * seed + (recipe == "fp"), noise=0.4), recipe=recipe, seed=seed, metric="iauc")
        for recipe in ("baseline", "fp")
        for seed in (0, 1)
    ]
    words = [*FEW, "--baseline", "baseline"]
    _, table, _ = do("agreement-difference", pd.concat(parts), *words)
    runs = {
        (recipe, str(seed)): run(related(30, 3, 10 * seed + (recipe == "fp"), noise=0.4))
        for recipe in ("baseline", "fp")
        for seed in (0, 1)
    }
    expected = comparing.difference_table(runs, "baseline", {"all": list("abc")}, True, SETTINGS, {"metric": "iauc"})
    assert table["seed"].tolist() == ["0", "1", "all"]
    assert np.allclose(table[["difference", "low", "high"]], expected[["difference", "low", "high"]], atol=1e-12)
    other = pd.concat(parts).rename(columns={"recipe": "loss"})
    assert do("agreement-difference", other, *words, "--between", "loss")[1]["loss"].tolist() == ["fp"] * 3
    assert "no column 'recipe' to compare by; there are: loss" in do("agreement-difference", other, *words)[2]
    assert "no scores of the baseline 'base'" in do("agreement-difference", parts[0], *FEW, "--baseline", "base")[2]


def test_metrics_are_compared_on_the_methods_that_all_have(do):
    scores = related(10, 3)
    table = pd.concat([long(scores, metric="iauc"), long(-scores, metric="dauc"), long(scores[:2], metric="dc")])
    _, found, _ = do("metric-agreement", table, *FEW)
    assert found[["alpha", "order_alpha", "images", "metrics", "methods"]].iloc[0].tolist() == [1, 1, 10, 3, 2]


def test_ranks_say_who_is_tied_for_first(do):
    scores = related(60, 3, noise=0.3)
    _, found, _ = do("ranks", long(scores, metric="iauc"), *FEW)
    expected = leaders.rank_table(run(scores), {"all": list("abc")}, True, SETTINGS, {"metric": "iauc"})
    assert found["tied_for_first"].tolist() == expected["tied_for_first"].tolist()
    assert found["mean_rank"].tolist() == pytest.approx(expected["mean_rank"].tolist())


def test_every_command_tells_its_defaults_and_takes_the_workflows(capsys):
    for command in score_commands.COMMANDS:
        with pytest.raises(SystemExit, match="0"):
            __main__.main([command, "--help"])
        assert "--output" in capsys.readouterr().out
    wanted = {"level": "ordinal", "confidence": 0.99, "resamples": 5000, "seed": 0}
    assert wanted.items() <= score_commands.DEFAULTS.items()
