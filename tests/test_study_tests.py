"""Corrections, equivalence, agreement of raters and the preregistration: by hand, by law, and against statsmodels."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from saliency_benchmark import __main__, agreement, bootstrap
from saliency_benchmark.study import settings as pages
from saliency_benchmark.study_analysis import preregistering, raters, rules, study_settings, testing
from saliency_benchmark.study_analysis.two_way import Estimate

OPTIONS = {"confidence": 0.95, "resamples": 200, "seed": 0}


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04: times 4, 3, 2, 1, and never below the one before.
    assert testing.holm(np.array([0.04, 0.01, 0.03, 0.02])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert testing.holm(np.array([0.6, 0.5])).tolist() == [1.0, 1.0]


def test_holm_is_that_of_statsmodels_and_counts_no_missing_test():
    from statsmodels.stats.multitest import multipletests

    for seed in range(20):
        p = np.random.default_rng(seed).random(seed % 7 + 1) ** 3
        assert testing.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
        assert testing.holm(np.append(p, np.nan))[:-1] == pytest.approx(testing.holm(p))
    assert len(testing.holm(np.array([]))) == 0


@pytest.mark.parametrize("value", [-0.12, -0.05, 0.0, 0.03, 0.2])
def test_equivalence_at_alpha_is_an_interval_of_one_less_two_alpha_within_the_margin(value):
    for error in (0.01, 0.03, 0.06):
        estimate = Estimate(value, error, 17.3)
        for alpha in (0.01, 0.05, 0.2):
            low, high = estimate.interval(1 - 2 * alpha)
            assert (testing.equivalence(estimate, 0.1) < alpha) == (low > -0.1 and high < 0.1)


def test_equivalence_is_the_worse_of_two_one_sided_t_tests():
    from statsmodels.stats.weightstats import ttost_ind

    rng = np.random.default_rng(0)
    one, other = rng.normal(0.02, 0.1, 12), rng.normal(0, 0.1, 12)
    pooled = np.sqrt((one.var(ddof=1) + other.var(ddof=1)) / 12)
    estimate = Estimate(one.mean() - other.mean(), pooled, 22)
    assert testing.equivalence(estimate, 0.1) == pytest.approx(ttost_ind(one, other, -0.1, 0.1)[0])


def test_the_smallest_detectable_effect_is_found_as_often_as_the_power_says():
    from scipy import stats

    estimate = Estimate(0.0, 0.03, 2000)
    effect = testing.smallest_detectable(estimate, 0.05, 0.8)
    assert effect == pytest.approx((1.96 + 0.8416) * 0.03, rel=2e-3)
    assert stats.norm.sf(1.96 - effect / 0.03) == pytest.approx(0.8, abs=2e-3)


@pytest.mark.parametrize(
    ("p", "p_equivalence", "told"),
    [
        (0.01, 0.9, "differs"),
        (0.01, 0.01, "differs, by less than the margin"),
        (0.5, 0.01, "equivalent"),
        (0.5, 0.5, "undecided"),
        (np.nan, np.nan, "no test"),
    ],
)
def test_the_two_tests_together_say(p, p_equivalence, told):
    assert testing.verdict(p, p_equivalence, 0.05) == told


def coded(*codes):
    """Raters' CODES, a text each with a letter per participant; a dash is none."""
    rows = [(f"p{i}", f"r{j}", code) for j, each in enumerate(codes) for i, code in enumerate(each) if code != "-"]
    return pd.DataFrame(rows, columns=["participant", "rater", "code"])


def coefficients(codes):
    return raters.agreement(codes, OPTIONS).set_index("coefficient")


def test_cohens_kappa_by_hand():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: observed .7, by chance .5 * .6 + .5 * .4 = .5.
    found = coefficients(coded("y" * 25 + "n" * 25, "y" * 20 + "n" * 5 + "y" * 10 + "n" * 15)).loc["cohen"]
    assert found["value"] == pytest.approx(0.4)
    assert found["low"] < 0.4 < found["high"]


def test_fleiss_kappa_by_hand():
    # Two units, three raters: aab, bbb. Equal pairs 1/3 and 1; shares 1/3 and 2/3.
    found = coefficients(coded("ab", "ab", "bb")).loc["fleiss", "value"]
    assert found == pytest.approx((2 / 3 - 5 / 9) / (4 / 9))


@pytest.mark.parametrize("number", [2, 3, 5])
def test_kappas_are_those_of_statsmodels_and_alpha_is_the_packages(number):
    from statsmodels.stats import inter_rater

    rng = np.random.default_rng(number)
    truth = rng.integers(0, 4, 30)
    codes = np.where(rng.random((number, 30)) < 0.6, truth, rng.integers(0, 4, (number, 30)))
    found = coefficients(coded(*("".join("abcd"[each] for each in row) for row in codes)))["value"]
    table, _ = inter_rater.aggregate_raters(codes.T)
    if number == 2:
        square = np.zeros((4, 4))
        np.add.at(square, tuple(codes), 1)
        assert found["cohen"] == pytest.approx(inter_rater.cohens_kappa(square).kappa)
    else:
        assert found["fleiss"] == pytest.approx(inter_rater.fleiss_kappa(table))
    assert found["krippendorff"] == pytest.approx(agreement.alpha(codes.astype(float), "nominal"))
    assert found["equal_pairs"] == pytest.approx((table * (table - 1)).sum() / (30 * number * (number - 1)))


def test_missing_codes_leave_units_out_and_are_told():
    found = coefficients(coded("aab-b", "aabb-", "aba-b"))
    assert found.loc["fleiss", "units"] == 3
    assert "2 units that not every rater coded" in found.loc["fleiss", "note"]
    assert found.loc["krippendorff", "units"] == 4
    assert "1 units with one code" in found.loc["krippendorff", "note"]
    values = np.array([[0, 0, 1, np.nan, 1], [0, 0, 1, 1, np.nan], [0, 1, 0, np.nan, 1]])
    assert found.loc["krippendorff", "value"] == pytest.approx(agreement.alpha(values, "nominal"))


def test_a_unit_drawn_twice_is_there_twice():
    given = np.stack([coded_matrix("aabbc"), coded_matrix("abbbc"), coded_matrix("aabcc")], 1)
    weights = np.array([[2, 0, 1, 1, 1.0]])
    drawn = given[[0, 0, 2, 3, 4]]
    for coefficient in (raters.fleiss, raters.krippendorff, raters.equal_pairs):
        assert coefficient(given)(weights) == pytest.approx([bootstrap.estimate(coefficient(drawn), 5)])
    assert raters.cohen(given[:, :2])(weights) == pytest.approx([bootstrap.estimate(raters.cohen(drawn[:, :2]), 5)])


def coded_matrix(codes):
    return np.array([[code == each for each in "abc"] for code in codes], float)


def test_one_code_alone_has_no_kappa():
    found = coefficients(coded("aaa", "aaa"))
    assert np.isnan(found.loc["cohen", "value"])
    assert "one code alone" in found.loc["cohen", "note"]
    assert found.loc["equal_pairs", "value"] == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("participant,rater\np,r\n", "no column code"),
        ("participant,rater,code\np,r,a\np,r,b\n", "two codes for p"),
        ("participant,rater,code\np,r,a\nq,r,b\n", "one rater"),
        ("participant,rater,code\np,r,\np,s,a\n", "no code"),
    ],
)
def test_codes_that_cannot_be_used_are_told(tmp_path, text, told):
    (tmp_path / "codes.csv").write_text(text)
    with pytest.raises(ValueError, match=told):
        raters.read(tmp_path / "codes.csv")


def test_a_preregistration_without_settings_marks_everything_and_gives_the_defaults(tmp_path):
    (tmp_path / "study.yaml").write_text("")
    words = ["--settings", str(tmp_path / "study.yaml"), "--output", str(tmp_path / "plan.md")]
    assert __main__.main(["preregistration", *words]) == 0
    text = (tmp_path / "plan.md").read_text()
    for part in ("title", "question", "hypotheses", "conditions", "effect", "people", "stopping", "data"):
        assert preregistering.OPEN.format(part) in text
    for name, rule in rules.RULES.items():
        assert f"| `{name}` | {rule.what} | {rule.default:g} | default |" in text
    assert "within 0.1 of 0" in text


def test_a_preregistration_says_what_the_settings_say_and_the_documented_ones_leave_little_open():
    documented = (Path(__file__).parent.parent / "docs/study-analysis.md").read_text().partition("```yaml\n")[2]
    settings = yaml.safe_load(documented.partition("```")[0])
    text = preregistering.text(settings)
    assert "1. The oracle map differs from none.\n2. SmoothGrad is equivalent to none." in text
    assert "| `reading_seconds` |" in text
    assert "| 20 |  |" in text.split("`reading_seconds`")[1].splitlines()[0]
    assert "margin" not in text.split("Defaults, not chosen for this study:")[1].splitlines()[0]
    left = ["training items", "catch trials", "measures", "correlation", "other"]
    assert re.findall(r"to be filled in: ([^]]+)", text) == left
    assert "no such rule" in preregistering.text(settings | {"exclusions": {"straight_lining": None}})


@pytest.mark.parametrize(
    "text", ["design: {colour: red}", "power: {people: 3, n: 4}", "exclusions: {catch: 1}", "x: 1"]
)
def test_a_preregistration_of_unknown_settings_is_refused(tmp_path, text, capsys):
    (tmp_path / "study.yaml").write_text(text)
    words = ["--settings", str(tmp_path / "study.yaml"), "--output", str(tmp_path / "plan.md")]
    assert __main__.main(["preregistration", *words]) == 1
    assert "unknown" in capsys.readouterr().err
    assert not (tmp_path / "plan.md").exists()


PAGES = """
title: Mine
design: within
conditions: [none, oracle]
evaluation: 12
exclusions: {catch_trials: 0.8}
analysis: {margin: 0.05}
preregistration: {authors: [A], question: "Which?", power: {people: 40}, design: {tasks: [model_selection]}}
"""


def test_the_settings_that_pages_are_made_by_fill_in_the_preregistration_and_rule_the_analysis(tmp_path):
    (tmp_path / "study.yaml").write_text(PAGES)
    found = study_settings.read(tmp_path / "study.yaml")
    assert rules.completed(found["exclusions"])["catch_trials"] == 0.8
    assert study_settings.analysis(found["analysis"])["margin"] == 0.05
    text = preregistering.text(found)
    assert "# Preregistration: Mine\n\nAuthors: A" in text
    for line in ("| tasks | model_selection |", "| conditions | none, oracle |", "| people | 40 |", "Which?"):
        assert line in text
    assert "| items | 12 per condition and participant, half of them of each answer, without feedback |" in text
    assert "| assignment | within participants, by Latin squares, seed 0 |" in text
    assert "| 0.8 |  |" in text.split("`catch_trials`")[1].splitlines()[0]


def test_what_the_analysis_reads_changes_no_page(tmp_path):
    settings = yaml.safe_load(PAGES)
    plain = {name: value for name, value in settings.items() if name not in pages.OF_ANALYSIS}
    assert pages.complete(settings) == pages.complete(plain)
