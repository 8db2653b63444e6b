"""Areas between curves by hand, and the tables that they stand in."""

import numpy as np
import pandas as pd
import pytest

from saliency_benchmark import roar

FRACTIONS = np.array([0, 0.5, 1])
KEYS = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0, "order": "remove", "fill": "mean", "unit": "pixel"}
RANDOM = [0.9, 0.7, 0.1]


def area(curve, control=RANDOM, order="remove", fractions=FRACTIONS):
    return float(roar.area_score(np.array(curve), np.array(control), np.array(fractions), order))


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


def test_removing_the_least_salient_counts_what_lies_above_the_control():
    # (.8 - .7) / 2 = .05 of (.2 / 2 + .8 / 4) = .3.
    assert area([0.9, 0.8, 0.1], order="remove_least") == pytest.approx(1 / 6)
    assert area([0.9, 0.9, 0.9], order="remove_least") == pytest.approx(1)


def test_uneven_fractions_weigh_by_their_distance():
    assert area([0.9, 0.5, 0.1], [0.9, 0.9, 0.1], fractions=[0, 0.2, 1]) == pytest.approx(0.4 * 0.5 / (0.16 + 0.32))


def test_a_control_that_leaves_no_room_has_no_score():
    assert np.isnan(area([0.1, 0.1, 0.1], [0.1, 0.1, 0.1]))


def test_many_curves_at_once_are_each_by_itself():
    rng = np.random.default_rng(0)
    curves, controls = rng.random((2, 5, 4, 3))
    found = roar.area_score(curves, controls, FRACTIONS, "remove")
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


def test_the_summary_by_hand():
    good, bad = [[0.9, 0.4, 0.1], [0.9, 0.4, 0.1]], [[0.9, 0.8, 0.1], [0.9, 1.0, 0.1]]
    found = roar.summarise(table({"good": good, "random": [RANDOM, RANDOM], "bad": bad}), "random").set_index("method")
    assert found["area_score"].to_dict() == pytest.approx({"good": 0.3, "random": 0, "bad": -0.2})
    # Both repeats of `good` are the same; those of `bad` are -.1 and -.3.
    assert found.loc["good", ["low", "high"]].tolist() == pytest.approx([0.3, 0.3])
    assert found.loc["bad", ["low", "high"]].tolist() == pytest.approx([-0.3, -0.1])
    assert found["beats_random"].to_dict() == {"good": True, "random": False, "bad": False}
    assert (found["repeats"] == 2).all()
    assert {key: found.loc["good", key] for key in KEYS} == KEYS


def test_method_and_control_are_drawn_together():
    """Where a repeat lowers both alike, the difference is certain."""
    method, control = [[0.9, 0.4, 0.1], [0.8, 0.3, 0.0]], [RANDOM, [0.8, 0.6, 0.0]]
    row = roar.summarise(table({"a": method, "random": control}), "random").set_index("method").loc["a"]
    assert row[["area_score", "low", "high"]].tolist() == pytest.approx([0.3] * 3)


def test_without_a_control_or_a_second_repeat_there_is_no_interval():
    alone = roar.summarise(table({"a": [RANDOM, RANDOM]}), "random").iloc[0]
    assert alone[["area_score", "low", "high"]].isna().all()
    once = roar.summarise(table({"a": [[0.9, 0.4, 0.1]], "random": [RANDOM]}), "random").set_index("method").loc["a"]
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
    found = roar.summarise(both, "random")
    found = found[found["method"] == "a"].set_index(["dataset", "order"])["area_score"]
    assert found.to_dict() == pytest.approx({("d", "remove"): 0.3, ("d", "keep"): 1 / 6, ("other", "remove"): 0.0})


def test_the_interval_over_repeats_is_that_of_the_mean():
    """Gain is linear in the method's curve, so resampling repeats is resampling their scores."""
    rng = np.random.default_rng(0)
    middles = 0.4 + 0.1 * rng.normal(size=12)
    curves = {"a": [[0.9, middle, 0.1] for middle in middles], "random": [RANDOM] * 12}
    row = roar.summarise(table(curves), "random", resamples=4000).set_index("method").loc["a"]
    single = 0.7 - middles  # half a step each, over an area of a half
    draws = rng.integers(0, 12, (20000, 12))
    assert row["area_score"] == pytest.approx(single.mean())
    assert [row["low"], row["high"]] == pytest.approx(np.quantile(single[draws].mean(1), [0.025, 0.975]), abs=0.004)


@pytest.mark.parametrize(("order", "ends"), [("remove", [0.9, 0.1]), ("keep", [0.1, 0.9])])
def test_curves_run_from_nothing_to_everything_removed_or_kept(order, ends, tmp_path):
    middle = pd.DataFrame({"fraction": [0.7, 0.3], "accuracy": [0.5, 0.6]})
    middle.to_csv(tmp_path / "middle.csv", index=False)
    pd.DataFrame({"fraction": [0.0, 1.0], "accuracy": [0.9, 0.1]}).to_csv(tmp_path / "ends.csv", index=False)
    keys = [KEYS | {"order": order, "method": method, "repeat": 3} for method in ("a", "b")]
    found = roar.curves([str(tmp_path / "middle.csv")] * 2, [str(tmp_path / "ends.csv")] * 2, keys)
    assert list(found.columns) == roar.COLUMNS
    for method in ("a", "b"):
        curve = found[found["method"] == method]
        assert curve["fraction"].tolist() == [0, 0.3, 0.7, 1]
        assert curve["accuracy"].tolist() == [ends[0], 0.6, 0.5, ends[1]]
        assert (curve["repeat"] == 3).all()
