"""Mean ranks and the methods that are tied for first: by hand, and against simulated truths."""

import numpy as np
import pytest

from saliency_benchmark import agreement, bootstrap, leaders, votes
from tests.rankings import permutations, related, run, share_of

OPTIONS = {"confidence": 0.95, "resamples": 400, "seed": 0}
NAN = np.nan


def ranked(lead, images, seed):
    """Rankings of methods whose scores are LEAD apart, in standard deviations of an image's score."""
    scores = np.array(lead)[:, None] + np.random.default_rng(seed).normal(size=(len(lead), images))
    return agreement.ranks(scores, True)


def test_mean_ranks_are_over_the_images_that_rank_the_method():
    ranking = np.array([[1, 2, 3], [1, 2, NAN], [2, 1, NAN], [NAN, NAN, 1]])
    means = leaders.mean_ranks(ranking)
    assert bootstrap.estimate(means, 4) == pytest.approx([4 / 3, 5 / 3, 2])
    found = means(np.array([[2, 0, 1, 1], [0, 1, 1, 0]], np.float32))
    assert found[0] == pytest.approx([4 / 3, 5 / 3, 7 / 3])
    assert np.array_equal(found[1], [1.5, 1.5, NAN], equal_nan=True)


@pytest.mark.parametrize("methods", [2, 6])
def test_equal_methods_are_all_tied_for_first_as_often_as_it_says(methods):
    held = [leaders.tied_for_first(permutations(80, methods, seed), **OPTIONS).all() for seed in range(400)]
    assert share_of(held, 0.95)


def test_the_best_are_tied_and_those_far_behind_are_not():
    """Two best, three a standard deviation behind: the two in at least the share that it says, the others never."""
    found = np.array([leaders.tied_for_first(ranked([1, 1, 0, 0, 0], 120, seed), **OPTIONS) for seed in range(200)])
    assert found[:, :2].all(1).mean() > 0.95 - 4 * (0.95 * 0.05 / 200) ** 0.5
    assert not found[:, 2:].any()


def test_a_better_method_is_alone_at_the_top_with_images_enough():
    alone = [
        np.mean([leaders.tied_for_first(ranked([0.5, 0, 0, 0], n, seed), **OPTIONS).sum() == 1 for seed in range(60)])
        for n in (15, 60, 240)
    ]
    assert alone[0] < 0.2 < alone[1] < 0.8 < alone[2]


def test_once_who_is_far_behind_is_out_chance_explains_less():
    """Two that move much by chance hide, at first, that the second is behind the first."""
    moved = np.random.default_rng(0).normal(size=(4000, 4)) * [0.1, 0.1, 0.5, 0.5]
    means = np.array([1.0, 1.6, 3.5, 3.5])
    assert 0.6 < np.quantile(np.ptp(moved, axis=1), 0.95) < 2.5
    assert leaders._racing(means, means + moved, 0.95).tolist() == [True, False, False, False]


def test_images_that_all_agree_leave_one_first_and_one_image_leaves_all():
    line = np.arange(1.0, 5)
    assert leaders.tied_for_first(np.stack([line] * 5), **OPTIONS).tolist() == [True, False, False, False]
    assert leaders.tied_for_first(np.array([[1, 2, NAN]]), **OPTIONS).tolist() == [True, True, False]
    assert leaders.tied_for_first(np.full((6, 3), 2.0), **OPTIONS).all()
    assert not leaders.tied_for_first(np.empty((0, 3)), **OPTIONS).any()


def test_the_table_by_hand():
    scores = np.array([[3, 3, 3, 3, NAN], [2, 2, 3, NAN, NAN], [1, 1, 1, 1, 1.0]])
    groups = {"all": ["a", "b", "c"], "pair": ["c", "b"], "lone": ["a"]}
    table = leaders.rank_table(run(scores), groups, True, {**OPTIONS, "level": "ordinal"}, {"metric": "iauc"})
    rows = table.set_index(["group", "method"])
    assert rows["mean_rank"].loc["all"].tolist() == [(1 + 1 + 1.5 + 1) / 4, (2 + 2 + 1.5) / 3, (3 + 3 + 3 + 2) / 4]
    assert rows["first_share"].loc["all"].tolist() == [3.5 / 4, 0.5 / 4, 0]
    assert rows["images"].to_list() == [4, 3, 4, 3, 3, 0]
    assert rows["mean_rank"].loc["pair"].tolist() == [2, 1]
    assert rows.loc[("lone", "a"), ["mean_rank", "low", "first_share"]].isna().all()
    assert (rows["low"].loc["all"] <= rows["mean_rank"].loc["all"]).all()
    assert (rows["high"].loc["all"] >= rows["mean_rank"].loc["all"]).all()


def test_the_intervals_of_complete_rankings_are_those_of_their_means():
    ranking = agreement.ranks(related(50, 4), True)
    told = leaders._told(ranking, **OPTIONS)
    for column, (mean, interval, _) in zip(ranking.T, told, strict=True):
        assert mean == pytest.approx(column.mean())
        assert interval == pytest.approx(bootstrap.mean_interval(column, **OPTIONS), abs=1e-6)


def test_methods_that_are_first_together_share_the_vote():
    ranking = np.array([[1, 2, 3], [1.5, 1.5, 3], [2, 2, 2], [NAN, 1, 2]])
    assert np.allclose(votes.cast(ranking), [[1, 0, 0], [0.5, 0.5, 0], [1 / 3, 1 / 3, 1 / 3], [0, 1, 0]])
    assert votes.shares(ranking) == pytest.approx([11 / 24, 11 / 24, 2 / 24])
    assert np.isnan(votes.shares(ranking[:0])).all()
