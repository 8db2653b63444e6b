"""Intervals of a few repeats: coverage by simulation, and laws."""

import numpy as np
import pytest
from scipy import stats

from saliency_benchmark import ratios

CONFIDENCE = 0.95


def trials(units, number=1500, seed=0):
    """Gains of .05 and rooms of .3 with noise that they share: (trial, unit) twice."""
    rng = np.random.default_rng(seed)
    shared = 0.02 * rng.normal(size=(number, units))
    return 0.05 + shared + 0.02 * rng.normal(size=(number, units)), 0.3 + shared


@pytest.mark.parametrize("units", [2, 3, 5])
def test_the_intervals_cover_as_often_as_they_say(units):
    above, below = trials(units)
    whole = [ratios.ratio_interval(*pair, CONFIDENCE) for pair in zip(above, below, strict=True)]
    gains = [ratios.mean_interval(values, CONFIDENCE) for values in above]
    for intervals, truth in ((whole, 0.05 / 0.3), (gains, 0.05)):
        low, high = np.array(intervals).T
        # No bound: Fieller's set is the whole line, which covers too.
        covered = ~((low > truth) | (high < truth))
        assert covered.mean() == pytest.approx(CONFIDENCE, abs=4 * (0.95 * 0.05 / len(covered)) ** 0.5)


def test_percentiles_of_few_repeats_cover_far_less():
    """Why they are told beside, and decide nothing."""
    covered = []
    for above, below in zip(*trials(3, 400), strict=True):
        samples = ratios.drawn([np.stack([above, below], 1)], 400, np.random.default_rng(0))
        low, high = np.quantile(samples[:, 0] / samples[:, 1], [0.025, 0.975])
        covered.append(low <= 0.05 / 0.3 <= high)
    assert 0.6 < np.mean(covered) < 0.85


def test_the_ratio_interval_holds_the_ratios_that_a_t_test_does_not_reject():
    above, below = (values[0] for values in trials(5))
    for end in ratios.ratio_interval(above, below, CONFIDENCE):
        assert stats.ttest_1samp(above - end * below, 0).pvalue == pytest.approx(0.05)


def test_a_ratio_is_above_0_exactly_where_its_numerator_is():
    for above, below in zip(*trials(4, 300), strict=True):
        first, second = ratios.ratio_interval(above, below, CONFIDENCE), ratios.mean_interval(above, CONFIDENCE)
        assert np.isnan(first[0]) or (first[0] > 0) == (second[0] > 0)


def test_over_a_room_that_does_not_vary_the_ratio_is_a_mean():
    above = np.array([0.1, 0.2, 0.4])
    found = ratios.ratio_interval(above, np.full(3, 0.5), CONFIDENCE)
    assert found == pytest.approx(np.divide(ratios.mean_interval(above, CONFIDENCE), 0.5))
    expected = stats.t.interval(CONFIDENCE, 2, above.mean(), stats.sem(above))
    assert ratios.mean_interval(above, CONFIDENCE) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("above", "below"), [([0.1], [0.5]), ([0.1, 0.2], [-0.5, -0.4]), ([0.1, 0.2], [0.01, 0.5])],
    ids=["one unit", "no room", "room not to be told from 0"],
)  # fmt: skip
def test_what_cannot_be_told_has_no_interval(above, below):
    assert np.isnan(ratios.ratio_interval(np.array(above), np.array(below), CONFIDENCE)).all()


def test_seeds_are_drawn_before_their_repeats():
    """Two seeds far apart: a mean is near one of them, or between; repeats move it a little."""
    parts = [np.array([[0.0], [0.02]]), np.array([[1.0], [1.02]])]
    found = ratios.drawn(parts, 4000, np.random.default_rng(0))[:, 0]
    assert np.bincount(np.round(found * 2).astype(int)) / 4000 == pytest.approx([0.25, 0.5, 0.25], abs=0.03)
    assert found.mean() == pytest.approx(0.51, abs=0.03)
    alone = ratios.drawn(parts[:1], 4000, np.random.default_rng(0))[:, 0]
    assert sorted(set(alone)) == pytest.approx([0, 0.01, 0.02])
