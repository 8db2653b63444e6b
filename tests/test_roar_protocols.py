"""Correlations between protocols' rankings: by scipy, by hand, over repeats and seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from saliency_benchmark import roar_protocols

METHODS = list("abcdef")
RUN = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0}
GROUPS = {"d": {"all": METHODS}}
NOTHING = pd.DataFrame(columns=[*RUN, "metric", "direction", "method", "mean"])


def table(heights, order="remove", repeats=1, noise=0.0, methods=METHODS, **keys):
    """Curves whose middle is what HEIGHTS say, one method each."""
    rng = np.random.default_rng(len(keys))
    rows = [
        {**RUN, "order": order, "fill": "mean", "unit": "pixel", **keys, "method": method, "fraction": fraction,
         "repeat": repeat, "accuracy": 0.9 * (1 - fraction) if fraction in (0, 1) else height + noise * rng.normal()}
        for method, height in zip(methods, heights, strict=True)
        for repeat in range(repeats)
        for fraction in (0, 0.5, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def agreed(*tables, scores=NOTHING, groups=GROUPS, **options):
    return roar_protocols.agreement({"retrained": pd.concat(tables)}, scores, groups, **options)


def test_a_correlation_is_scipys_with_ties_in_the_middle():
    first, second = [0.1, 0.2, 0.2, 0.4, 0.5, 0.3], [0.3, 0.1, 0.2, 0.2, 0.5, 0.5]
    (row,) = agreed(table(first), table(second, fill="blur")).to_dict("records")
    assert row["spearman"] == pytest.approx(stats.spearmanr(first, second).statistic)
    assert (row["first"], row["second"]) == ("remove, mean, pixel; retrained", "remove, blur, pixel; retrained")
    assert row["methods"] == 6


@pytest.mark.parametrize(("order", "sign"), [("remove", 1), ("keep", -1), ("remove_least", -1)])
def test_a_low_curve_is_good_where_the_most_salient_go_first(order, sign):
    (row,) = agreed(table(np.arange(6)), table(np.arange(6), order, fill="blur")).to_dict("records")
    assert row["spearman"] == pytest.approx(sign)


def test_scores_join_by_their_direction():
    means = pd.DataFrame([{**RUN, "method": method, "mean": place} for place, method in enumerate(METHODS)])
    scores = pd.concat(
        [means.assign(metric="morf", direction="lower"), means.assign(metric="lerf", direction="higher")]
    )
    found = agreed(table(np.arange(6)), scores=scores).set_index(["first", "second"])["spearman"]
    roar = "remove, mean, pixel; retrained"
    assert found.to_dict() == pytest.approx({(roar, "morf"): 1, (roar, "lerf"): -1, ("morf", "lerf"): -1})


def test_curves_without_retraining_have_no_repeats():
    once = table(np.arange(6)[::-1]).drop(columns="repeat")
    found = roar_protocols.agreement({"retrained": table(np.arange(6)), "not retrained": once}, NOTHING, GROUPS)
    assert found[["spearman", "note"]].iloc[0].tolist() == [pytest.approx(-1), "nothing repeats: no interval"]
    assert found["second"].tolist() == ["remove, mean, pixel; not retrained"]


def test_methods_are_those_of_the_group_that_both_protocols_have():
    tables = table(np.arange(6)), table(np.arange(5), fill="blur", methods=METHODS[:5])
    groups = {"d": {"all": METHODS, "few": ["a", "b", "c", "f"]}}
    found = agreed(*tables, groups=groups).set_index("group")
    assert found["methods"].to_dict() == {"all": 5, "few": 3}
    assert found.loc["few", "note"] == "fewer than 4 methods"
    assert np.isnan(found.loc["few", "spearman"])


def test_a_protocol_that_ties_all_methods_has_no_correlation():
    (row,) = agreed(table([0.5] * 6), table(np.arange(6), fill="blur")).to_dict("records")
    assert (np.isnan(row["spearman"]), row["note"]) == (True, "all methods tie in one of them")


def test_the_interval_narrows_as_noise_does_and_is_a_point_without_any():
    width = {}
    for noise in (0.0, 0.02, 0.3):
        heights = np.linspace(0, 1, 6)
        pair = [table(heights, repeats=5, noise=noise), table(heights, repeats=5, noise=noise, fill="blur")]
        (row,) = agreed(*pair, resamples=300).to_dict("records")
        assert row["low"] <= row["spearman"] <= row["high"]
        width[noise] = row["high"] - row["low"]
    assert width[0.0] == 0
    assert width[0.0] <= width[0.02] < width[0.3]


def test_over_the_seeds_heights_are_means_of_the_seeds():
    heights = np.array([[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 2]])
    tables = [table(each, seed=seed, repeats=2) for seed, each in enumerate(heights)]
    other = [table(np.arange(6), seed=seed, repeats=2, fill="blur") for seed in range(2)]
    found = agreed(*tables, *other, resamples=200).set_index("seed")
    assert list(found.index) == ["0", "1", "all"]
    expected = stats.spearmanr(heights.mean(0), np.arange(6)).statistic
    assert found.loc["all", "spearman"] == pytest.approx(expected)
    assert found.loc["all", "low"] < found.loc["all", "high"]


def test_the_same_seed_gives_the_same_interval():
    heights = np.linspace(0, 1, 6)
    pair = [table(heights, repeats=3, noise=0.3), table(heights, repeats=3, noise=0.3, fill="blur")]
    first, second = (agreed(*pair, resamples=100, seed=3) for _ in range(2))
    assert first.equals(second)
