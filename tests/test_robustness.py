"""What is concluded from aligned and misaligned copies: means, intervals, verdicts, coefficients, correlations."""

import json

import numpy as np
import pandas as pd
import pytest

from saliency_benchmark import __main__, bootstrap, files, regression, robustness, robustness_correlation
from saliency_benchmark.robustness import BENT, BROKEN, EMPTY, FIRM, OPEN, ROBUST

KEYS = {"dataset": "d", "initialisation": "scratch", "recipe": "r", "seed": "0", "masks": "exact", "tuned": "all"}
HEAD = "model,method,image,measure,difference\n"
SMALL = HEAD + "a,g,0,mass,.5\na,g,1,mass,.3\nb,g,0,mass,.1\nb,g,1,mass,.3\n"


def scores(images=40, means=(("a", "gradient", 0.5), ("a", "lrp", 0.3), ("b", "gradient", 0.1)), noise=0.05):
    rng = np.random.default_rng(0)
    rows = []
    for image in range(images):
        shared = noise * rng.normal()
        for model, method, mean in means:
            for measure in ("mass", "rank"):
                difference = mean + shared + noise * rng.normal() / 4
                told = {"model": model, "method": method, "label": str(image % 2), "image": str(image)}
                rows.append({**KEYS, **told, "measure": measure, "aligned": 0.2 + difference, "misaligned": 0.2})
    table = pd.DataFrame(rows)
    return table.assign(difference=table["aligned"] - table["misaligned"])


def quality(model="a", method="gradient", falls=(0.5, 0.5), accuracies=(0.9, 0.9, 0.9, 0.9), images=400):
    shared = {**KEYS, "model": model, "label": "all", "images": images}
    empty = {"method": "", "masks": "", "tuned": ""}
    rows = [{**shared, **empty, "direction": name, "accuracy": value} for name, value in
            zip(("before", "control"), accuracies, strict=False)]  # fmt: skip
    for name, value, fall in zip(("aligned", "misaligned"), accuracies[2:], falls, strict=True):
        losses = {"localisation_first": 0.4, "localisation_last": 0.4 * (1 - fall)}
        rows.append({**shared, "method": method, "direction": name, "accuracy": value, **losses})
    return pd.DataFrame(rows)


def judged(mean, **told):
    table = scores(20, [("a", "gradient", mean)], 0.02)
    return robustness.summarise(table, quality(**told), resamples=200).iloc[0]


def test_the_mean_and_its_interval_are_those_of_the_paired_differences():
    table = scores(means=[("a", "gradient", 0.5)])
    row = robustness.summarise(table, resamples=500).iloc[0]
    values = table[table["measure"] == "mass"].sort_values("image")["difference"].to_numpy()
    assert row["mean"] == pytest.approx(values.mean())
    expected = bootstrap.mean_interval(values, confidence=0.95, resamples=500, seed=0)
    assert (row["low"], row["high"]) == pytest.approx(expected, abs=1e-6)


def test_labels_have_rows_of_their_own_after_all_of_them():
    made = robustness.summarise(scores(), resamples=100)
    assert made["label"].tolist()[:3] == ["all", "0", "1"]
    assert made["images"].tolist()[:3] == [40, 20, 20]
    assert made["mean"][0] == pytest.approx(made["mean"][1:3].mean())


def test_an_image_with_two_labels_is_drawn_whole():
    """Twice the same rows under two labels tell no more than once: the interval does not narrow."""
    once = scores(means=[("a", "gradient", 0.5)]).assign(label="0")
    twice = pd.concat([once, once.assign(label="1")])
    one, two = (robustness.summarise(table, resamples=300).iloc[0] for table in (once, twice))
    assert (one["images"], two["images"]) == (40, 40)
    assert two[["mean", "low", "high"]].tolist() == pytest.approx(one[["mean", "low", "high"]].tolist())


def test_invalid_scores_are_counted_and_in_no_mean():
    table = scores(images=4, means=[("a", "gradient", 0.5)], noise=0.0)
    table.loc[table["image"] == "3", ["aligned", "difference"]] = np.nan
    row = robustness.summarise(table, resamples=100).iloc[0]
    assert (row["images"], row["invalid"]) == (3, 1)
    assert (row["mean"], row["low"], row["high"]) == pytest.approx((0.5, 0.5, 0.5))
    nothing = robustness.summarise(table.assign(difference=np.nan), resamples=100).iloc[0]
    assert (nothing["verdict"], nothing["images"], nothing["invalid"]) == (EMPTY, 0, 4)
    assert np.isnan(nothing["mean"])


@pytest.mark.parametrize(
    ("mean", "told", "verdict"),
    [
        (0.5, {}, BENT),
        (0.02, {}, ROBUST),
        (0.02, {"falls": (0.3, 0.0)}, ROBUST),
        (0.02, {"falls": (0.03, 0.01)}, FIRM),
        (0.02, {"falls": (-0.2, 0.01)}, FIRM),
        (0.5, {"falls": (0.0, 0.0)}, BENT),
        (0.1, {}, OPEN),
        (-0.5, {}, OPEN),
        (0.5, {"accuracies": (0.9, 0.9, 0.7, 0.9)}, BROKEN),
        (0.02, {"accuracies": (0.9, 0.9, 0.9, 0.8)}, BROKEN),
        # The control fell as far: fine-tuning did it, not the maps.
        (0.5, {"accuracies": (0.9, 0.7, 0.7, 0.7)}, BENT),
        # Too small a fall, or too few images to tell it from chance.
        (0.5, {"accuracies": (0.9, 0.9, 0.86, 0.9)}, BENT),
        (0.5, {"accuracies": (0.9, 0.9, 0.8, 0.9), "images": 10}, BENT),
    ],
)
def test_each_verdict_has_its_case(mean, told, verdict):
    assert judged(mean, **told)["verdict"] == verdict


def test_without_losses_nothing_is_called_robust():
    row = robustness.summarise(scores(means=[("a", "gradient", 0.0)]), resamples=100).iloc[0]
    assert row["verdict"] == OPEN
    assert "no losses known" in row["note"]
    assert np.isnan(row["accuracy_before"])


def test_the_untouched_model_stands_for_every_method():
    row = judged(0.5, accuracies=(0.9, 0.88, 0.86, 0.87))
    names = ["accuracy_before", "accuracy_control", "accuracy_aligned", "accuracy_misaligned"]
    assert row[names].tolist() == [0.9, 0.88, 0.86, 0.87]
    assert row[["fall_aligned", "fall_misaligned"]].tolist() == pytest.approx([0.5, 0.5])
    twice = pd.concat([quality(), quality()])
    with pytest.raises(ValueError, match="2 models are before for"):
        robustness.summarise(scores(4, [("a", "gradient", 0.5)]), twice, resamples=100)


def sandwich(design, outcome, clusters):
    """Liang and Zeger's covariance, with the small-sample factor, written out."""
    bread = np.linalg.inv(design.T @ design)
    slopes = bread @ design.T @ outcome
    rest = outcome - design @ slopes
    parts = [design[clusters == each].T @ rest[clusters == each] for each in np.unique(clusters)]
    meat = sum(np.outer(part, part) for part in parts)
    number, width, groups = len(outcome), design.shape[1], len(parts)
    factor = groups / (groups - 1) * (number - 1) / (number - width)
    return slopes, np.sqrt(np.diag(factor * bread @ meat @ bread))


def test_coefficients_and_clustered_errors_are_those_of_the_formulas():
    from scipy import stats

    table = scores()
    made = regression.regress(table, "difference ~ model + method")
    made = made[made["measure"] == "mass"].set_index("term")
    rows = table[table["measure"] == "mass"]
    design = np.stack([np.ones(len(rows)), rows["model"] == "b", rows["method"] == "lrp"], 1).astype(float)
    slopes, errors = sandwich(design, rows["difference"].to_numpy(), rows["image"].to_numpy())
    assert made["estimate"].tolist() == pytest.approx(slopes)
    assert made["error"].tolist() == pytest.approx(errors)
    low = slopes - stats.t.ppf(0.975, 39) * errors
    assert made["low"].tolist() == pytest.approx(low)
    assert made["p"].tolist() == pytest.approx(2 * stats.t.sf(np.abs(slopes / errors), 39))
    assert made.loc["model", ["level", "reference", "images", "rows"]].tolist() == ["b", "a", 40, 120]


def test_rows_of_one_image_that_move_together_make_no_precision():
    """The same rows twice: clustered errors stay as they were but for the small-sample factor."""
    once = scores()
    twice = pd.concat([once, once.assign(seed="1")])
    one, two = (regression.regress(table, "difference ~ model + method") for table in (once, twice))
    number = len(once) / 2
    factor = np.sqrt((2 * number - 1) / (2 * number - 3) / ((number - 1) / (number - 3)))
    assert two["error"].tolist() == pytest.approx((one["error"] * factor).tolist())


def test_without_a_formula_all_factors_that_can_be_told_apart_are_in_it():
    table = scores(means=[("a", "gradient", 0.5), ("a", "lrp", 0.3), ("b", "gradient", 0.1)])
    confounded = table.assign(initialisation=table["model"].map({"a": "scratch", "b": "weights"}))
    made = regression.regress(confounded)
    assert made["formula"].unique().tolist() == ["difference ~ model + method + label"]
    alone = regression.regress(table[(table["model"] == "b") & (table["label"] == "0")])
    assert alone["term"].tolist() == ["intercept"] * 2
    assert np.isnan(regression.regress(table.assign(difference=np.nan))["estimate"]).all()


def test_a_level_that_few_images_have_gets_no_error_for_its_exact_fit():
    table = scores(images=12, means=[("a", "gradient", 0.5), ("a", "lrp", 0.3)])
    table["label"] = ["1" if image == "3" else "0" for image in table["image"]]
    made = regression.regress(table, "difference ~ method + label").query("measure == 'mass'").set_index("term")
    assert np.isnan(made.loc["label", ["error", "low", "high", "t", "p"]].astype(float)).all()
    assert made.loc["label", "note"] == regression.FEW
    assert np.isfinite(made.loc["label", "estimate"])
    assert made.loc[["intercept", "method"], "error"].min() > 1e-4
    # Of itself nobody asks for a level of one image.
    assert regression.regress(table)["formula"].unique().tolist() == ["difference ~ method"]
    few = regression.regress(table[table["image"].isin(["0", "1", "2"])], "difference ~ method")
    assert np.isnan(few["p"]).all()


def test_images_of_two_data_sets_are_not_one_cluster():
    both = pd.concat([scores(), scores().assign(dataset="e")])
    made = regression.regress(both, "difference ~ dataset")
    assert made["images"].tolist() == [80] * 4


def test_interactions_and_odd_names_are_told_as_they_are():
    table = scores(means=[("a:[1]", "g", 0.5), ("a:[1]", "l", 0.3), ("b", "g", 0.1), ("b", "l", 0.4)], noise=0.01)
    made = regression.regress(table, "difference ~ model * method")
    row = made[(made["term"] == "model:method") & (made["measure"] == "mass")].iloc[0]
    assert (row["level"], row["reference"]) == ("b:l", "a:[1]:g")
    assert row["estimate"] == pytest.approx(0.5, abs=0.02)


def test_correlations_of_mass_and_rank_are_those_of_numpy():
    table = scores(means=[("a", "gradient", 0.5)])
    rng = np.random.default_rng(1)
    rank = table["measure"] == "rank"
    table.loc[rank, "difference"] += 0.05 * rng.normal(size=rank.sum())
    made = robustness_correlation.correlations(table, resamples=200)
    row = made[made["of"] == "difference"].iloc[0]
    pair = [table.loc[table["measure"] == name, "difference"] for name in ("mass", "rank")]
    assert row["pearson"] == pytest.approx(np.corrcoef(*pair)[0, 1])
    assert row["spearman"] == pytest.approx(np.corrcoef(*(part.rank() for part in pair))[0, 1])
    assert row["low"] < row["pearson"] < row["high"]
    # The misaligned scores are constant here: no correlation.
    assert np.isnan(made.loc[made["of"] == "misaligned", "pearson"]).all()


@pytest.fixture
def do(tmp_path, capsys):
    """Run the command on a table, or a text: -> exit code, the table it wrote, what it said."""

    def run(table, *words):
        path, output = tmp_path / "robustness.csv", tmp_path / "out" / "regression.csv"
        path.write_text(table if isinstance(table, str) else table.to_csv(index=False))
        code = __main__.main(["robustness", str(path), "--output", str(output), *map(str, words)])
        assert output.exists() == (code == 0)
        return code, None if code else pd.read_csv(output), capsys.readouterr().err

    return run


def test_the_command_writes_what_the_functions_give(do, tmp_path):
    more = [tmp_path / f"{name}.csv" for name in ("correlation", "summary", "models")]
    quality().to_csv(more[2], index=False)
    named = zip(("--correlation", "--summary", "--models"), more, strict=True)
    words = [word for pair in named for word in pair]
    code, table, _ = do(scores(), "--formula", "difference ~ model + method", *words)
    assert code == 0
    expected = regression.regress(scores(), "difference ~ model + method")
    assert table["estimate"].tolist() == pytest.approx(expected["estimate"].tolist())
    summary = pd.read_csv(more[1])
    assert summary.loc[0, "verdict"] == BENT
    assert summary.loc[0, "accuracy_before"] == 0.9
    assert pd.read_csv(more[0])["pearson"].notna().any()
    assert str(tmp_path) not in json.dumps(files.record(more[1]))


def test_four_columns_suffice(do):
    _, table, _ = do(SMALL.replace("model,", "").replace("a,g,", "g,").replace("b,g,", "h,"))
    assert table["formula"].unique().tolist() == ["difference ~ method"]
    assert table["estimate"].tolist() == pytest.approx([0.4, -0.2])


@pytest.mark.parametrize(
    ("table", "words", "told"),
    [
        ("method,image,measure\ng,0,mass\n", [], "has no column difference; it has: method, image, measure"),
        (HEAD + "a,g,0,mass,large\n", [], "row 2: the difference is 'large', which is no number"),
        (SMALL + "a,g,0,mass,.5\n", [], "two differences of model a, method g, image 0, measure mass; wanted: one"),
        (SMALL, ["--formula", "difference ~ method"], "method has one level (g); leave it out of the formula"),
        (SMALL, ["--formula", "difference ~ modle"], "there is no column modle; the table has: model, method"),
        (SMALL, ["--formula", "model + method"], "wanted: NUMBER ~ COLUMN + COLUMN, joined by + : or *"),
        (SMALL, ["--formula", "difference ~ exp(model)"], "wanted: NUMBER ~ COLUMN + COLUMN"),
        (SMALL, ["--formula", "difference ~ measure"], "has 'measure' among its terms, which is no factor"),
        (SMALL, ["--cluster", "patient"], "there is no column patient"),
        (SMALL.replace(",1,", ",0,").replace(".3", ""), ["--formula", "difference ~ model"], "two differences"),
        (HEAD + "a,g,0,mass,.5\nb,g,0,mass,.1\n", ["--formula", "difference ~ model"], "has 1 clusters with a valid"),
        ("aligned,misaligned," + HEAD + ".5,.1,a,g,0,mass,.3\n", [], "is 0.3, and aligned - misaligned 0.4"),
        (
            HEAD + "a,g,0,mass,.5\na,g,1,mass,.3\nb,h,0,mass,.1\nb,h,1,mass,.3\n",
            ["--formula", "difference ~ model + method"],
            "cannot be told apart by its rows",
        ),
    ],
)
def test_what_cannot_be_used_is_an_error_that_says_what_is_wrong(do, table, words, told):
    code, _, said = do(table, *words)
    assert code == 1
    assert said.startswith("error: ")
    assert told in said
