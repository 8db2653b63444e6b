"""The command on anyone's ROAR curves: the workflow's own numbers, and clear errors for what cannot be used."""

import json

import numpy as np
import pandas as pd
import pytest

from saliency_benchmark import __main__, files, roar_summary

HEAD = "method,fraction,accuracy\n"
SMALL = HEAD + "a,0,.9\na,.5,.4\na,1,.1\nrandom,0,.9\nrandom,.5,.7\nrandom,1,.1\n"


@pytest.fixture
def do(tmp_path, capsys):
    """Run roar-summary on a table, or a text: -> exit code, the table it wrote, what it said."""

    def run(table, *words):
        path, output = tmp_path / "curves.csv", tmp_path / "out" / "summary.csv"
        path.write_text(table if isinstance(table, str) else table.to_csv(index=False))
        code = __main__.main(["roar-summary", str(path), "--output", str(output), *map(str, words)])
        made = sorted(each.name for each in output.parent.glob("*")) if output.parent.exists() else []
        assert made == ([] if code else ["summary.csv", "summary.csv.origin.json"])
        return code, None if code else pd.read_csv(output, keep_default_na=False), capsys.readouterr().err

    return run


def curves(repeats=3, seeds=2):
    rng = np.random.default_rng(0)
    rows = [
        {"dataset": "d", "model": "m", "recipe": "r", "seed": seed, "method": method, "order": "remove", "fill": "mean",
         "unit": "pixel", "fraction": fraction, "repeat": repeat, "accuracy": 0.9 - 0.8 * fraction ** power}
        for seed in range(seeds)
        for method in ("a", "b", "random")
        for repeat in range(repeats)
        for power in [rng.uniform(0.5, 2)]
        for fraction in (0, 0.3, 0.7, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_the_workflows_own_table_comes_out_of_its_curves(do):
    expected = roar_summary.summarise(curves(), "random")
    code, table, _ = do(curves())
    assert code == 0
    assert table.columns.tolist() == expected.columns.tolist()
    numbers = ["area_score", "low", "high", "gain", "bootstrap_low", "bootstrap_high"]
    assert table[numbers].astype(float).to_numpy() == pytest.approx(expected[numbers].to_numpy(), nan_ok=True)
    assert table["seed"].tolist() == [str(seed) for seed in expected["seed"]]


def test_three_columns_suffice_and_say_what_one_repeat_cannot(do):
    _, table, _ = do(SMALL)
    row = table.set_index("method").loc["a"]
    assert float(row["area_score"]) == pytest.approx(0.3)
    assert (row["order"], row["low"], row["beats_random"]) == ("remove", "", "")
    assert row["note"] == roar_summary.ONE_REPEAT
    mirrored = HEAD + "a,0,.1\na,.5,.8\na,1,.9\nrandom,0,.1\nrandom,.5,.7\nrandom,1,.9\n"
    _, table, _ = do(mirrored, "--order", "keep")
    assert float(table["area_score"][0]) == pytest.approx(1 / 6)


def test_other_columns_are_keys_and_an_ignored_one_is_none(do):
    table = curves(seeds=1).assign(lab="x", seconds=np.arange(36) / 7)
    code, _, said = do(table)
    assert code == 1
    assert "seconds (36 values)" in said
    _, found, _ = do(table, "--ignore", "seconds")
    assert found["lab"].tolist() == ["x"] * 3


def test_options_change_what_they_name(do):
    wide, narrow = (do(curves(seeds=1), "--confidence", level)[1].loc[0, "high"] for level in (0.99, 0.5))
    assert float(wide) > float(narrow)
    assert do(curves(), "--control", "b")[1]["method"].tolist() == ["a", "b", "random"] * 3
    first, second = (do(curves(), "--seed", seed, "--resamples", 200)[1]["bootstrap_low"].tolist() for seed in (0, 1))
    assert first != second


def test_methods_at_other_fractions_than_the_controls_are_counted(do):
    _, table, _ = do(SMALL.replace("a,.5,.4\n", "a,.4,.4\n"))
    row = table.set_index("method").loc["a"]
    assert row["left_out"] == 2
    assert "no fraction strictly between 0 and 1 in common" in row["note"]
    assert "2 accuracies at fractions or repeats that the other curve does not have are left out" in row["note"]


def test_a_run_without_the_control_says_so(do):
    other = SMALL.replace(HEAD, "dataset," + HEAD).replace("\na,", "\nd,a,").replace("\nrandom,", "\nd,random,")
    _, table, _ = do(other + "e,a,0,.9\ne,a,1,.1\n")
    row = table.set_index("dataset").loc["e"]
    assert (row["note"], row["repeats"], row["area_score"]) == ("no curve of the control 'random'", 0, "")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("", "is empty; wanted: a table with the columns method, fraction, accuracy"),
        (HEAD, "has a row of names and no accuracies"),
        ("method,accuracy\na,.1\n", "has no column fraction; it has: method, accuracy"),
        (HEAD + "a,.5,high\n", "row 2: the accuracy is 'high', which is no number"),
        (HEAD + "a,half,.5\n", "row 2: the fraction is 'half', which is no number"),
        (HEAD + "a,,.5\n", "row 2: no fraction; wanted: a number from 0 to 1"),
        (HEAD + "random,.5,.5\na,.5,76.68\n", "row 3: the accuracy is 76.68; wanted: 0 to 1: percent are"),
        (HEAD + "random,50,.5\n", "row 2: the fraction is 50; wanted: 0 to 1: percent are divided by 100"),
        (HEAD + "random,-.5,.5\n", "row 2: the fraction is -0.5; wanted: 0 to 1\n"),
        (HEAD + "a,.5,.5\nRandom,.5,.5\n", "no curve of the control 'random' (is it 'Random'?); --control names it"),
        (SMALL + "a,.5,.4\n", "two accuracies of order remove, method a, fraction 0.5, repeat 0; wanted: one"),
        ("order," + HEAD + "morf,random,.5,.5\n", "has the order 'morf'; there are: remove, remove_least, keep"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_an_error_that_says_what_is_wrong(do, table, told):
    """And nothing is written; the fixture looks."""
    code, _, said = do(table)
    assert code == 1
    assert said.startswith("error: ")
    assert told in said


def test_a_summary_is_not_written_over_its_curves(tmp_path, capsys):
    path = tmp_path / "curves.csv"
    path.write_text(SMALL)
    assert __main__.main(["roar-summary", str(path), "--output", str(path)]) == 1
    assert "name another output" in capsys.readouterr().err
    assert path.read_text() == SMALL


def test_the_same_curves_and_seed_give_the_same_bytes_without_a_path(tmp_path):
    path = tmp_path / "curves.csv"
    curves().to_csv(path, index=False)
    for output in ("one.csv", "two.csv"):
        assert __main__.main(["roar-summary", str(path), "--output", str(tmp_path / output)]) == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    assert str(tmp_path) not in json.dumps(files.record(tmp_path / "one.csv"))
