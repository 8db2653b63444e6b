"""Areas between curves by hand, and the tables that they stand in."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from saliency_benchmark import roar, roar_areas, roar_contrasts, roar_summary

FRACTIONS = np.array([0, 0.5, 1])
KEYS = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0, "order": "remove", "fill": "mean", "unit": "pixel"}
RANDOM = [0.9, 0.7, 0.1]


def area(curve, control=RANDOM, order="remove", fractions=FRACTIONS):
    return float(roar_areas.area_score(np.array(curve), np.array(control), np.array(fractions), order))


@pytest.mark.parametrize(
    ("curve", "order", "expected"),
    [
        (RANDOM, "remove", 0),
        ([0.1, 0.1, 0.1], "remove", 1),
        # Areas over the half steps: (.7 - .4) / 2 = .15 of (.8 / 4 + .6 / 2) = .5.
        ([0.9, 0.4, 0.1], "remove", 0.3),
        ([0.9, 0.9, 0.1], "remove", -0.2),
        ([-0.9, -0.9, 0.1], "remove", 1),
        ([2.0, 2.0, 0.1], "remove", -1),
    ],
    ids=["random", "all removed", "better", "worse", "clipped above", "clipped below"],
)
def test_the_area_score_by_hand(curve, order, expected):
    assert area(curve, order=order) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([0.1, 0.7, 0.9], 0),
        ([0.9, 0.9, 0.9], 1),
        # (.8 - .7) / 2 = .05 of (.8 / 4 + .2 / 2) = .3.
        ([0.1, 0.8, 0.9], 1 / 6),
        ([0.1, 0.4, 0.9], -0.5),
    ],
    ids=["random", "nothing removed", "better", "worse"],
)
def test_keeping_counts_what_lies_above_the_control(curve, expected):
    assert area(curve, [0.1, 0.7, 0.9], "keep") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        (RANDOM, 0),
        ([0.9, 0.9, 0.9], 1),
        # (.8 - .7) / 2 = .05 of (.2 / 2 + .8 / 4) = .3, as with keep on the mirrored fractions.
        ([0.9, 0.8, 0.1], 1 / 6),
        ([0.9, 0.4, 0.1], -0.5),
    ],
    ids=["random", "nothing lost", "better", "worse"],
)
def test_removing_the_least_salient_first_counts_what_lies_above_the_control(curve, expected):
    assert area(curve, order="remove_least") == pytest.approx(expected)
    assert area(curve[::-1], RANDOM[::-1], "keep") == pytest.approx(expected)


def test_uneven_fractions_weigh_by_their_distance():
    assert area([0.9, 0.5, 0.1], [0.9, 0.9, 0.1], fractions=[0, 0.2, 1]) == pytest.approx(0.4 * 0.5 / (0.16 + 0.32))


def test_a_control_that_leaves_no_room_has_no_score():
    assert np.isnan(area([0.1, 0.1, 0.1], [0.1, 0.1, 0.1]))


def test_many_curves_at_once_are_each_by_itself():
    rng = np.random.default_rng(0)
    curves, controls = rng.random((2, 5, 4, 3)) * 0.5 + [1, 0.5, 0]
    found = roar_areas.area_score(curves, controls, FRACTIONS, "remove")
    assert found.shape == (5, 4)
    assert found[2, 3] == pytest.approx(area(curves[2, 3], controls[2, 3]))


def table(curves, **keys):
    """roar.csv of CURVES: method -> accuracies of each repeat."""
    rows = [
        {**KEYS, **keys, "method": method, "fraction": fraction, "repeat": repeat, "accuracy": accuracy}
        for method, repeats in curves.items()
        for repeat, curve in enumerate(repeats)
        for fraction, accuracy in zip(FRACTIONS, curve, strict=True)
    ]
    return pd.DataFrame(rows)[roar.COLUMNS]


def summary(curves, **options):
    return roar_summary.summarise(curves, "random", **options).set_index("method")


def test_the_summary_by_hand():
    good, bad = [[0.9, 0.4, 0.1], [0.9, 0.4, 0.1]], [[0.9, 0.8, 0.1], [0.9, 1.0, 0.1]]
    found = summary(table({"good": good, "random": [RANDOM, RANDOM], "bad": bad}))
    assert found["area_score"].to_dict() == pytest.approx({"good": 0.3, "random": 0, "bad": -0.2})
    # Both repeats of `good` are the same; those of `bad` are -.1 and -.3, and t reaches 12.7 times their error.
    assert found.loc["good", ["low", "high"]].tolist() == pytest.approx([0.3, 0.3])
    assert found.loc["bad", ["low", "high"]].tolist() == [-1, 1]
    assert found.loc["bad", ["gain_low", "gain_high"]].tolist() == pytest.approx([-0.1 - 0.635310, -0.1 + 0.635310])
    assert found.loc["bad", ["bootstrap_low", "bootstrap_high"]].tolist() == pytest.approx([-0.3, -0.1])
    assert found["beats_random"].to_dict() == {"good": True, "random": False, "bad": False}
    assert (found["repeats"] == 2).all()
    assert {key: found.loc["good", key] for key in KEYS} == KEYS


def test_method_and_control_are_drawn_together():
    """Where a repeat lowers both alike, the difference is certain."""
    method, control = [[0.9, 0.4, 0.1], [0.8, 0.3, 0.0]], [RANDOM, [0.8, 0.6, 0.0]]
    row = summary(table({"a": method, "random": control})).loc["a"]
    assert row[["area_score", "low", "high"]].tolist() == pytest.approx([0.3] * 3)


def test_without_a_control_or_a_second_repeat_there_is_no_interval():
    alone = roar_summary.summarise(table({"a": [RANDOM, RANDOM]}), "random").iloc[0]
    assert alone[["area_score", "low", "high"]].isna().all()
    once = summary(table({"a": [[0.9, 0.4, 0.1]], "random": [RANDOM]})).loc["a"]
    assert once["area_score"] == pytest.approx(0.3)
    assert once[["low", "high"]].isna().all()
    assert (alone["beats_random"], once["beats_random"]) == ("", "")


def test_every_run_and_order_is_measured_against_its_own_control():
    kept = {"a": [[0.1, 0.8, 0.9]], "random": [[0.1, 0.7, 0.9]]}
    both = pd.concat(
        [
            table({"a": [[0.9, 0.4, 0.1]], "random": [RANDOM]}),
            table(kept, order="keep"),
            table({"a": [RANDOM], "random": [RANDOM]}, dataset="other"),
        ]
    )
    found = roar_summary.summarise(both, "random")
    found = found[found["method"] == "a"].set_index(["dataset", "order"])["area_score"]
    assert found.to_dict() == pytest.approx({("d", "remove"): 0.3, ("d", "keep"): 1 / 6, ("other", "remove"): 0.0})


def test_the_interval_over_repeats_is_that_of_the_mean():
    """Gain is linear in the method's curve, so resampling repeats is resampling their scores."""
    rng = np.random.default_rng(0)
    middles = 0.4 + 0.1 * rng.normal(size=12)
    curves = {"a": [[0.9, middle, 0.1] for middle in middles], "random": [RANDOM] * 12}
    row = summary(table(curves), resamples=4000).loc["a"]
    single = 0.7 - middles  # half a step each, over an area of a half
    draws = rng.integers(0, 12, (20000, 12))
    assert row["area_score"] == pytest.approx(single.mean())
    expected = np.quantile(single[draws].mean(1), [0.025, 0.975])
    assert row[["bootstrap_low", "bootstrap_high"]].tolist() == pytest.approx(expected, abs=0.004)
    assert row[["low", "high"]].tolist() == pytest.approx(stats.t.interval(0.95, 11, single.mean(), stats.sem(single)))


def seeded(middles, method="a"):
    """Curves by seed: MIDDLES (seed, repeat) of METHOD."""
    curves = [{method: [[0.9, middle, 0.1] for middle in each], "random": [RANDOM] * len(each)} for each in middles]
    return pd.concat([table(each, seed=seed) for seed, each in enumerate(curves)])


def test_over_the_seeds_each_seed_counts_as_one_number():
    rng = np.random.default_rng(1)
    middles = 0.4 + 0.05 * rng.normal(size=(4, 1)) + 0.02 * rng.normal(size=(4, 3))
    found = roar_summary.summarise(seeded(middles), "random")
    row = found[(found["seed"] == "all") & (found["method"] == "a")].iloc[0]
    single = 0.7 - middles.mean(1)
    assert row["area_score"] == pytest.approx(single.mean())
    assert row[["low", "high"]].tolist() == pytest.approx(stats.t.interval(0.95, 3, single.mean(), stats.sem(single)))
    assert row[["repeats", "seeds"]].tolist() == [12, 4]
    assert (found["seed"] == "all").sum() == 2
    assert found.loc[found["seed"] != "all", "seed"].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_retrained_once_per_seed_there_is_an_interval_over_the_seeds_alone():
    found = roar_summary.summarise(seeded([[0.4], [0.45], [0.35]]), "random").set_index(["seed", "method"])
    assert found.loc[(0, "a"), "note"] == roar_summary.ONE_REPEAT
    assert found.loc[("all", "a"), "note"] == ""
    assert found.loc[("all", "a"), "low"] > 0
    assert found.loc[("all", "a"), "beats_random"]


def test_a_method_that_a_seed_lacks_is_told_of():
    curves = seeded([[0.4, 0.4], [0.4, 0.5]])
    found = summary(curves[~((curves["seed"] == 1) & (curves["method"] == "a"))])
    assert np.isnan(found.loc["a", "low"].tolist()[-1])
    assert found.loc["a", "note"].tolist()[-1] == "of 1 of 2 seeds; one seed"


def test_without_the_end_that_an_area_score_is_measured_by_there_is_the_gain_alone():
    curves = table({"a": [[0.9, 0.4, 0.1], [0.9, 0.41, 0.1]], "random": [RANDOM, RANDOM]})
    row = summary(curves[curves["fraction"] < 1]).loc["a"]
    assert np.isnan(row["area_score"])
    # Differences of 0 and .3 (.29) at 0 and .5, over half a unit.
    assert row["gain"] == pytest.approx(0.1475)
    assert row["beats_random"]
    assert "no accuracy at fraction 1 (everything removed)" in row["note"]
    assert "areas from fraction 0 to 0.5 only" in row["note"]
    least = summary(curves[curves["fraction"] > 0].assign(order="remove_least")).loc["a"]
    assert "no accuracy at fraction 0 (nothing removed)" in least["note"]
    part = summary(curves[curves["fraction"] > 0]).loc["a"]
    # (.295 / 2) of (.6 / 2), from .5 to 1.
    assert part["area_score"] == pytest.approx(0.295 / 0.6)
    assert part["note"] == "areas from fraction 0.5 to 1 only"


def test_what_has_no_counterpart_is_counted_and_left_out():
    curves = table({"a": [[0.9, 0.4, 0.1]] * 3, "random": [RANDOM] * 3})
    lacking = curves[~((curves["method"] == "random") & (curves["repeat"] == 2))]
    row = summary(lacking).loc["a"]
    assert row[["repeats", "left_out"]].tolist() == [2, 3]
    assert row["note"] == "3 accuracies at fractions or repeats that the other curve does not have are left out"
    curves.loc[(curves["method"] == "a") & (curves["repeat"] == 0) & (curves["fraction"] == 0.5), "accuracy"] = np.nan
    row = summary(curves).loc["a"]
    assert row[["repeats", "invalid"]].tolist() == [2, 1]
    assert row["area_score"] == pytest.approx(0.3)


def test_a_score_beyond_1_and_a_control_without_room_say_so():
    clipped = summary(table({"a": [[0.9, -0.9, 0.1]], "random": [RANDOM]})).loc["a"]
    assert clipped["area_score"] == 1
    assert "clipped from 1.60" in clipped["note"]
    flat = summary(table({"a": [[0.1, 0.2, 0.1]], "random": [[0.1, 0.1, 0.1]]})).loc["a"]
    assert np.isnan(flat["area_score"])
    assert "no room for an area score" in flat["note"]


def test_a_contrast_is_the_paired_difference_of_area_scores():
    rng = np.random.default_rng(0)
    base, variant = (0.4 + 0.05 * rng.normal(size=6) for _ in range(2))
    curves = {name: [[0.9, middle, 0.1] for middle in each] for name, each in (("g", base), ("sg", variant))}
    both = table(curves | {"random": [RANDOM] * 6})
    pair = {"method": "sg", "base": "g", "kind": "smoothgrad"}
    (row,) = roar_contrasts.contrasts(both, [pair, pair | {"base": "none"}], "random").to_dict("records")
    scores = summary(both)["area_score"]
    assert row["difference"] == pytest.approx(scores["sg"] - scores["g"])
    expected = stats.t.interval(0.95, 5, (base - variant).mean(), stats.sem(base - variant))
    assert [row["low"], row["high"]] == pytest.approx(expected)
    assert (row["kind"], row["repeats"], row["note"]) == ("smoothgrad", 6, "")
    (alone,) = roar_contrasts.contrasts(both[both["method"] != "random"], [pair], "random").to_dict("records")
    assert np.isnan(alone["difference"])
    assert alone["gain"] == pytest.approx((base - variant).mean() / 2)


def test_pairs_without_curves_leave_a_table_without_rows():
    found = roar_contrasts.contrasts(table({"random": [RANDOM]}), [], "random")
    assert len(found) == 0
    assert found.columns[:4].tolist() == ["dataset", "model", "recipe", "seed"]
