"""The least number of images: the formula in whole fractions, by enumeration and by drawing; honest empty results."""

from fractions import Fraction
from itertools import combinations, product
from math import comb, factorial, prod

import numpy as np
import pytest
from scipy import stats

from saliency_benchmark import agreement, benchmark_size, plurality, votes
from tests.rankings import related, run

SHARES = [[0.1, 0.2, 0.25, 0.45], [0.5, 0.25, 0.25, 0.0], [0.6, 0.4], [0.3, 0.28, 0.22, 0.2], [1.0, 0.0], [0.97, 0.03]]
SETTINGS = {"seed": 0}
KEYS = {"metric": "iauc"}


def formula(shares, size):
    """Sum over c of N! [x^(N - c)] (p_m^c / c!) prod over the others of sum over j < c of (p_i x)^j / j!, exactly."""
    *others, first = sorted(map(Fraction, shares))
    total = Fraction(0)
    for c in range(1, size + 1):
        polynomial = [Fraction(1)] + [Fraction(0)] * (size - c)
        for p in others:
            terms = [p**j / factorial(j) for j in range(min(c, size - c + 1))]
            polynomial = [
                sum(terms[j] * polynomial[d - j] for j in range(min(d + 1, len(terms)))) for d in range(size - c + 1)
            ]
        total += factorial(size) * first**c / factorial(c) * polynomial[size - c]
    return float(total)


def first_places(counts):
    """A ranking (image, method) in which method i is first on COUNTS[i] images; the others follow in order."""
    methods = len(counts)
    rows = [[1.0 + (other != first) + (0 < other < first) for other in range(methods)]
            for first, count in enumerate(counts) for _ in range(count)]  # fmt: skip
    return np.array([stats.rankdata(row) for row in rows])


def scored(counts):
    return run(-first_places(counts).T)


def test_the_published_values():
    found = plurality.probability(np.array([0.1, 0.2, 0.25, 0.45]), [10, 20, 30])
    assert found == pytest.approx([0.6307, 0.7828, 0.8632], abs=5e-5)


@pytest.mark.parametrize("shares", SHARES, ids=str)
def test_it_is_the_formula(shares):
    sizes = [1, 2, 3, 4, 5, 9, 16, 25]
    expected = [formula(shares, size) for size in sizes]
    assert plurality.probability(np.array(shares), sizes) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("shares", SHARES[:4], ids=str)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_it_is_what_all_ways_to_vote_add_up_to(shares, size):
    total, winner = 0.0, int(np.argmax(shares))
    for drawn in product(range(len(shares)), repeat=size):
        count = np.bincount(drawn, minlength=len(shares))
        if (np.delete(count, winner) < count[winner]).all():
            total += prod(shares[each] for each in drawn)
    assert plurality.probability(np.array(shares), [size])[0] == pytest.approx(total, abs=1e-12)


def test_of_two_it_is_the_binomial_however_many_vote():
    sizes = np.array([1, 2, 3, 100, 101, 5000, 100_000])
    found = plurality.probability(np.array([0.495, 0.505]), sizes)
    assert found == pytest.approx(stats.binom.sf(sizes // 2, sizes, 0.505), abs=1e-10)


def test_of_many_it_is_what_drawing_gives():
    shares = np.random.default_rng(0).dirichlet(np.full(12, 5.0))
    for size in (40, 400, 4000):
        drawn = np.random.default_rng(size).multinomial(size, np.sort(shares), 40_000)
        share = (drawn[:, :-1] < drawn[:, -1:]).all(1).mean()
        found = plurality.probability(shares, [size])[0]
        assert abs(found - share) < 4 * (found * (1 - found) / 40_000) ** 0.5


def test_neither_order_nor_methods_that_never_win_matter():
    shares = np.array([0.3, 0.28, 0.22, 0.2])
    found = plurality.probability(shares, range(1, 60))
    assert found == pytest.approx(plurality.probability(shares[[2, 0, 3, 1]], range(1, 60)), abs=1e-12)
    assert found == pytest.approx(plurality.probability(np.append(shares, [0.0, 0.0]), range(1, 60)), abs=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_the_smallest_number_is_the_first_of_all_that_suffices(seed):
    """Looked for from 1 upwards; what is skipped by the bound cannot suffice."""
    shares = np.random.default_rng(seed).dirichlet(np.ones(4))
    enough = np.flatnonzero(plurality.probability(shares, range(1, 1501)) >= 0.95)
    assert plurality.smallest(shares, 0.95, 1500) == (1 + enough[0] if len(enough) else None)
    if len(enough):
        assert plurality.smallest(shares, 0.95, int(enough[0])) is None


def test_one_image_suffices_where_one_method_nearly_always_wins_and_two_do_not():
    """0.96 and 0.96^2 < 0.95: the probability does not only rise."""
    assert plurality.smallest(np.array([0.96, 0.04]), 0.95, 100) == 1
    assert plurality.probability(np.array([0.96, 0.04]), [1, 2, 3]) == pytest.approx([0.96, 0.9216, 0.995328])
    assert plurality.smallest(np.array([0.95, 0.05]), 0.95, 100) == 1
    assert plurality.smallest(np.array([0.94, 0.06]), 0.95, 100) == 3


def test_a_tied_top_has_no_smallest_number():
    assert plurality.smallest(np.array([0.4, 0.4, 0.2]), 0.95, 10**6) is None
    assert np.isnan(plurality.probability(np.array([0.4, 0.4, 0.2]), [5])).all()


def test_a_close_race_needs_as_many_as_the_normal_approximation_says():
    """Two in the race: z^2 times the variance of one vote's lead, over its mean squared; a lead of half a vote more."""
    found = plurality.smallest(np.array([0.32, 0.3] + [0.38 / 19] * 19), 0.95, 50_000)
    assert found == pytest.approx(1.6449**2 * (0.62 - 0.02**2) / 0.02**2 + 1 / 0.02, rel=0.001)
    assert plurality.smallest(np.array([0.1001, 0.1] + [0.7999 / 17] * 17), 0.95, 100_000) is None


def test_subsets_are_drawn_without_replacement():
    """All subsets of 3 of 8 images, one of which has two winners."""
    ranking = np.vstack([first_places([4, 2, 1]), [[1.5, 1.5, 3]]])
    cast = votes.cast(ranking)
    ahead = [
        (lead[0] > lead[1:] + 1e-9).all() for lead in (cast[list(each)].sum(0) for each in combinations(range(8), 3))
    ]
    found = benchmark_size.subsets(ranking, [3, 8], 20_000, 0)
    assert found[0] == pytest.approx(np.mean(ahead), abs=4 * 0.5 / 20_000**0.5)
    assert found[1] == 1
    assert len(ahead) == comb(8, 3)


def test_subsets_of_few_of_many_images_are_as_new_images():
    """Without ties, and far below the number of images, both answers are one."""
    ranking = first_places([4500, 2500, 2000, 1000])
    numbers = [10, 20, 30]
    exact = plurality.probability(votes.shares(ranking), numbers)
    assert benchmark_size.subsets(ranking, numbers, 20_000, 0) == pytest.approx(exact, abs=4 * 0.5 / 20_000**0.5)


def test_the_table_by_hand():
    table = benchmark_size.size_table(scored([9, 5, 4, 2]), {"all": list("abcd")}, True, SETTINGS, KEYS)
    row = table.iloc[0]
    assert row[["winner", "runner_up", "available_images", "methods"]].tolist() == ["a", "b", 20, 4]
    assert row[["winner_share", "runner_up_share", "probability"]].tolist() == pytest.approx(
        [0.45, 0.25, 0.7828], abs=5e-5
    )
    assert row["note"] == "no number up to 20 images suffices for a probability of 0.95"
    assert table["minimum_images"].isna().all()
    settings = SETTINGS | {"probability": 0.6307}
    lower = benchmark_size.size_table(scored([9, 5, 4, 2]), {"all": list("abcd")}, True, settings, KEYS).iloc[0]
    assert (lower["minimum_images"], lower["note"]) == (10, "")


def test_the_table_of_many_images_has_both_answers():
    table = benchmark_size.size_table(scored([900, 500, 400, 200]), {"all": list("abcd")}, True, SETTINGS, KEYS)
    row = table.iloc[0]
    assert row["minimum_images"] == plurality.smallest(np.array([0.45, 0.25, 0.2, 0.1]), 0.95, 2000) == 55
    # 1000 subsets per number: as far off as their share of 0.95 is.
    found = plurality.probability(np.array([0.45, 0.25, 0.2, 0.1]), [row["resampled_images"]])
    assert found == pytest.approx(0.95, abs=4 * (0.95 * 0.05 / 1000) ** 0.5)


def test_groups_are_ranked_each_for_itself():
    scores = run(np.array([[5.0] * 30, [4] * 30, [3] * 20 + [1] * 10, [2] * 30]))
    table = benchmark_size.size_table(scores, {"all": list("abcd"), "last": ["d", "c"]}, True, SETTINGS, KEYS)
    assert table["winner"].tolist() == ["a", "c"]
    assert table["winner_share"].tolist() == pytest.approx([1, 2 / 3])
    assert table["minimum_images"].tolist() == [1, plurality.smallest(np.array([2 / 3, 1 / 3]), 0.95, 30)]
    worst = benchmark_size.size_table(scores, {"all": list("abcd")}, False, SETTINGS, KEYS)
    assert worst["winner"].tolist() == ["d"]


@pytest.mark.parametrize(
    ("scores", "group", "note"),
    [
        (np.ones((3, 9)), "abc", "a and b and c are first equally often"),
        (np.array([[1, 2.0], [2, 1], [0, 0]]), "abc", "a and b are first equally often"),
        (related(9, 3), "b", "one method: nothing to win"),
        (np.array([[1, np.nan], [2, 3], [0, np.inf]]), "abc", "1 images with two valid scores"),
        (np.full((3, 4), np.nan), "abc", "0 images with two valid scores"),
    ],
    ids=["all tie", "top ties", "one method", "one image", "no image"],
)  # fmt: skip
def test_where_there_is_no_winner_there_is_a_reason_and_no_number(scores, group, note):
    groups = {"all": list(group)}
    row = benchmark_size.size_table(run(scores), groups, True, SETTINGS, KEYS).iloc[0]
    assert row["note"] == note
    assert row["winner"] == ""
    assert row[["minimum_images", "resampled_images", "winner_share", "probability"]].isna().all()
    assert not len(benchmark_size.curve_table(run(scores), groups, True, SETTINGS, KEYS))


def test_the_curve_goes_from_one_image_to_all():
    table = benchmark_size.curve_table(scored([90, 50, 40, 20]), {"all": list("abcd")}, True, SETTINGS, KEYS)
    assert table["images"].iloc[[0, -1]].tolist() == [1, 200]
    assert set(range(1, 21)) <= set(table["images"])
    assert table["images"].is_monotonic_increasing
    rows = table.set_index("images")
    assert rows.loc[[10, 20], "exact"].tolist() == pytest.approx([0.6307, 0.7828], abs=5e-5)
    assert rows["exact"].loc[1] == pytest.approx(0.45)
    assert rows["resampled"].loc[200] == 1
    assert (table["winner"] == "a").all()


@pytest.mark.parametrize("most", [1, 2, 19, 20, 21, 25, 1000])
def test_the_numbers_of_a_curve_end_with_all_images(most):
    steps = benchmark_size.steps(most)
    assert (steps[0], steps[-1]) == (1, most)
    assert (np.diff(steps) > 0).all()
    assert (np.diff(steps) <= 1 + steps[:-1] // 9).all()


def test_ties_on_an_image_are_drawn_as_votes_that_fall_equally_often():
    """The formula with shared votes is the mean over all ways to settle the ties."""
    ranking = np.vstack([first_places([3, 1, 1]), [[1.5, 1.5, 3]]])
    settled = [np.vstack([first_places([3, 1, 1]), [row]]) for row in ([1, 2, 3], [2, 1, 3])]
    cast = [votes.cast(each) for each in settled]
    total = 0.0
    for drawn in product(range(6), repeat=3):
        for which in product((0, 1), repeat=3):
            count = sum(cast[side][image] for side, image in zip(which, drawn, strict=True))
            total += (count[0] > count[1:]).all() / (6**3 * 2**3)
    assert plurality.probability(votes.shares(ranking), [3])[0] == pytest.approx(total, abs=1e-12)


def test_agreement_and_size_rank_the_same_images():
    scores = related(40, 4)
    scores[1:, 3] = np.nan
    table = benchmark_size.size_table(run(scores), {"all": list("abcd")}, True, SETTINGS, KEYS)
    assert table["available_images"].tolist() == [agreement.ranked(scores).sum()] == [39]
