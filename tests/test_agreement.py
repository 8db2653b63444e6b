"""Alpha against its definition, its package and its closed form; its interval; the tables by hand."""

from itertools import pairwise

import krippendorff
import numpy as np
import pytest
from scipy import stats

from saliency_benchmark import agreement, alpha_forms, bootstrap, evaluation
from tests.rankings import brute_force, permutations, ragged, related

LEVELS = ["ordinal", "interval"]
OPTIONS = {"level": "ordinal", "confidence": 0.95, "resamples": 500, "seed": 0}
# Four observers, twelve units: Krippendorff (2011), section C; ordinal .815, interval .849.
EXAMPLE = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, 3],
        [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, np.nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
    ]
)


def counted(ranking):
    values = np.unique(ranking[np.isfinite(ranking)])
    return (ranking[:, :, None] == values).sum(0), values


@pytest.mark.parametrize(("images", "methods"), [(2, 2), (5, 3), (40, 12)])
@pytest.mark.parametrize("level", LEVELS)
def test_identical_rankings_agree_fully(images, methods, level):
    assert agreement.alpha(np.tile(np.arange(1.0, methods + 1), (images, 1)), level) == 1


@pytest.mark.parametrize(("images", "methods"), [(2, 3), (10, 4), (30, 12), (60, 5)])
def test_complete_rankings_have_a_closed_form_with_kendalls_w(images, methods):
    ranking = agreement.ranks(related(images, methods), True)
    m, n = images, methods
    w = 12 * ((ranking.sum(0) - m * (n + 1) / 2) ** 2).sum() / (m**2 * (n**3 - n))
    closed = 1 - (1 - w) * (m * n - 1) / (n * (m - 1))
    assert agreement.kendalls_w(ranking) == pytest.approx(w, abs=1e-12)
    assert alpha_forms.from_w(w, m, n) == pytest.approx(closed, abs=1e-12)
    for level in LEVELS:
        package = krippendorff.alpha(reliability_data=ranking, level_of_measurement=level)
        found = agreement.alpha(ranking, level)
        assert [found, package, brute_force(ranking, level)] == pytest.approx([closed] * 3, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(8))
def test_ties_and_missing_values_are_the_packages_and_the_definitions(seed, level):
    ranking = ragged(seed)
    package = krippendorff.alpha(reliability_data=ranking, level_of_measurement=level)
    fast = alpha_forms.from_counts(*counted(ranking), level)
    found = [agreement.alpha(ranking, level), float(fast), brute_force(ranking, level)]
    assert found == pytest.approx([package] * 3, abs=1e-12)


@pytest.mark.parametrize(("level", "published"), [("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_own_example(level, published):
    assert agreement.alpha(EXAMPLE, level) == pytest.approx(published, abs=5e-4)
    assert brute_force(EXAMPLE, level) == pytest.approx(published, abs=5e-4)


def test_many_samples_at_once_are_each_by_itself():
    rankings = [permutations(7, 4, seed) for seed in range(5)]
    counts = np.stack([counted(ranking)[0] for ranking in rankings])
    found = alpha_forms.from_counts(counts, np.arange(1.0, 5))
    assert np.allclose(found, [agreement.alpha(ranking) for ranking in rankings], atol=1e-12)


@pytest.mark.parametrize("level", LEVELS)
def test_random_rankings_do_not_agree(level):
    """Over permutations W has the mean 1 / m, so that alpha has the mean 1 / (m n), by the closed form."""
    found = np.array([agreement.alpha(permutations(20, 6, seed), level) for seed in range(400)])
    assert abs(found.mean() - 1 / 120) < 4 * found.std() / 20


@pytest.mark.parametrize("methods", [2, 5, 12])
def test_opposite_rankings_disagree_as_far_as_two_images_can(methods):
    """W = 0 and m = 2 in the closed form."""
    line = np.arange(1.0, methods + 1)
    assert agreement.alpha(np.stack([line, line[::-1]])) == pytest.approx(1 - (2 * methods - 1) / methods)


@pytest.mark.parametrize("level", LEVELS)
def test_the_direction_of_a_metric_does_not_matter_to_alpha(level):
    scores = np.round(related(30, 6))
    up, down = (agreement.ranks(scores, higher) for higher in (True, False))
    assert np.array_equal(up, 7 - down)
    assert agreement.alpha(up, level) == pytest.approx(agreement.alpha(down, level), abs=1e-12)


def test_the_best_has_rank_one_ties_share_and_the_invalid_has_none():
    scores = np.array([[0.9, 1, np.nan], [0.1, 2, 5], [0.5, 1, 7], [0.4, 0, np.inf]])
    nan = np.nan
    assert np.array_equal(
        agreement.ranks(scores, True), [[1, 4, 2, 3], [2.5, 1, 2.5, 4], [nan, 2, 1, nan]], equal_nan=True
    )
    assert np.array_equal(
        agreement.ranks(scores, False), [[4, 1, 3, 2], [2.5, 4, 2.5, 1], [nan, 1, 2, nan]], equal_nan=True
    )


@pytest.mark.parametrize(
    "ranking",
    [[[1, 2, 3]], [[1], [1], [1]], [[2, 2, 2], [2, 2, 2]], [[np.nan, np.nan]] * 3, [[1, np.nan], [np.nan, 1]]],
    ids=["one image", "one method", "one value", "no value", "no pair"],
)
def test_nothing_to_agree_on_is_no_number_and_no_error(ranking):
    ranking = np.array(ranking, float)
    for level in LEVELS:
        assert np.isnan(agreement.alpha(ranking, level))
        assert np.isnan(agreement.interval(ranking, **OPTIONS | {"level": level})).all()


@pytest.mark.parametrize("level", LEVELS)
def test_raw_scores_are_the_packages_and_the_definitions(level):
    """More values than ranks have: pooled and sorted; some of them tie, some are missing or not finite."""
    scores = related(60, 6).round(2)
    scores[1, :9] = scores[0, :9]
    scores[2, 5:9], scores[3, 4], scores[4, 1:] = np.nan, np.inf, np.nan  # the fifth has one value: no pair
    assert len(np.unique(scores)) > alpha_forms.FEW
    values = np.where(np.isfinite(scores), scores, np.nan).T
    package = krippendorff.alpha(reliability_data=values, level_of_measurement=level)
    assert [agreement.alpha(scores.T, level), brute_force(values, level)] == pytest.approx([package] * 2, abs=1e-12)


def test_raw_scores_need_no_table_of_their_pairs():
    """The package would need 1 TB for the pairs of 300,000 values."""
    scores = related(20_000, 15, noise=0.5)
    by_variance = np.stack([scores - scores.mean(1, keepdims=True), scores - scores.mean()])
    within, total = (part.var() for part in by_variance)
    m, size = scores.shape[1], scores.size
    expected = 1 - (size - 1) / size * m / (m - 1) * within / total
    assert agreement.alpha(scores.T, "interval") == pytest.approx(expected, abs=1e-12)
    places = stats.rankdata(scores).reshape(scores.shape)
    assert agreement.alpha(scores.T) == pytest.approx(agreement.alpha(places.T, "interval"), abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_the_level_ratio_is_the_packages_and_the_definitions(seed):
    ranking = ragged(seed)
    package = krippendorff.alpha(reliability_data=ranking, level_of_measurement="ratio")
    fast = alpha_forms.from_counts(*counted(ranking), "ratio")
    found = [agreement.alpha(ranking, "ratio"), float(fast), brute_force(ranking, "ratio")]
    assert found == pytest.approx([package] * 3, abs=1e-12)
    with pytest.raises(ValueError, match="give ranks"):
        agreement.alpha(np.abs(related(60, 6)).T, "ratio")


FORMS = {
    "complete": permutations(20, 5),
    "ties": agreement.ranks(np.round(related(20, 5, noise=0.3)), True),
    "missing": ragged(1),
    "raw": related(60, 6).T,
}


@pytest.mark.parametrize("level", [*LEVELS, "ratio"])
@pytest.mark.parametrize("form", FORMS)
def test_an_image_that_is_drawn_twice_is_two_raters_in_all_forms(form, level):
    ranking = FORMS[form]
    if form == "raw" and level == "ratio":
        return
    alpha = alpha_forms.weighted(ranking, level)
    weights = next(bootstrap.samples(len(ranking), 6, seed=1))
    drawn = [np.repeat(ranking, weight.astype(int), axis=0) for weight in weights]
    package = [krippendorff.alpha(reliability_data=each, level_of_measurement=level) for each in drawn]
    assert alpha(weights) == pytest.approx(package, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("form", FORMS)
def test_the_order_of_images_and_methods_does_not_matter(form, level):
    ranking, rng = FORMS[form], np.random.default_rng(2)
    mixed = ranking[rng.permutation(len(ranking))][:, rng.permutation(ranking.shape[1])]
    assert agreement.alpha(mixed, level) == pytest.approx(agreement.alpha(ranking, level), abs=1e-12)


@pytest.mark.parametrize("form", ["complete", "ties", "missing"])
def test_ordinal_alpha_of_raw_scores_depends_on_their_order_alone(form):
    ranking = FORMS[form]
    assert agreement.alpha(np.exp(ranking)) == pytest.approx(agreement.alpha(ranking), abs=1e-12)
    assert agreement.alpha(2 * ranking - 7, "interval") == pytest.approx(agreement.alpha(ranking, "interval"))


def test_a_method_that_ties_with_another_everywhere_counts_as_any_other_method():
    """Two of three tie, always in front: full agreement. Two that tie and change places with the third: none."""
    always = np.tile([1.5, 1.5, 3], (6, 1))
    turns = np.where(np.arange(6)[:, None] % 2 == 0, [1.5, 1.5, 3], [2.5, 2.5, 1])
    assert agreement.alpha(always) == 1
    found = [agreement.alpha(turns), brute_force(turns, "ordinal")]
    assert found == pytest.approx([krippendorff.alpha(turns, level_of_measurement="ordinal")] * 2, abs=1e-12)
    assert found[0] < 0


@pytest.mark.parametrize("digits", [0, 3])
def test_kendalls_w_is_friedmans_statistic_per_image_and_degree_of_freedom(digits):
    """With ties and without: scipy's, chi^2 = m (n - 1) W."""
    scores = related(12, 5).round(digits)
    ranking = agreement.ranks(scores, True)
    w = stats.friedmanchisquare(*ranking.T).statistic / (12 * 4)
    assert agreement.kendalls_w(ranking) == pytest.approx(w, abs=1e-12)
    holes = np.vstack([ranking, [[1, 2, np.nan, 3, 4]]])
    assert agreement.kendalls_w(holes) == agreement.kendalls_w(ranking)


def test_kendalls_w_of_full_and_of_no_agreement():
    line = np.arange(1.0, 6)
    assert agreement.kendalls_w(np.stack([line] * 3)) == 1
    assert agreement.kendalls_w(np.stack([line, line[::-1]])) == 0
    for nothing in ([line], np.ones((4, 1)), np.full((4, 3), 2.0)):
        assert np.isnan(agreement.kendalls_w(np.array(nothing)))


def test_copies_of_an_image_are_not_compared_with_each_other():
    """By hand, over all pairs of raters that are not the same image."""
    ranking = permutations(6, 4)
    weights = next(bootstrap.samples(6, 5, seed=1))
    expected = []
    for weight in weights.astype(int):
        images = np.repeat(np.arange(6), weight)
        drawn = ranking[images]
        pairs = [(i, j) for i in range(6) for j in range(6) if images[i] != images[j]]
        observed = np.mean([((drawn[i] - drawn[j]) ** 2).mean() for i, j in pairs])
        expected.append(1 - observed / (2 * drawn.var(ddof=1)))
    assert agreement.weighted(ranking)(weights) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("form", FORMS)
def test_samples_without_copies_have_the_alpha_of_the_images_in_the_mean(form):
    """With copies they are (1 - alpha) / images above it, or more where values are missing."""
    ranking = FORMS[form]
    estimate, images = agreement.alpha(ranking), len(ranking)
    means = [
        bootstrap.replicates(alpha(ranking, "ordinal"), images, 4000, 0)
        for alpha in (agreement.weighted, alpha_forms.weighted)
    ]
    without, copies = (each[np.isfinite(each)] for each in means)
    bias = (1 - estimate) / images
    assert abs(without.mean() - estimate) < max(4 * without.std() / 4000**0.5, 0.3 * bias)
    assert copies.mean() - estimate > 0.7 * bias


def test_the_interval_holds_0_where_images_rank_by_chance_and_would_not_with_copies():
    """The truth is 0. Alpha varies less there than in samples: the interval is too wide, not too narrow."""
    held, copies = [], []
    for seed in range(200):
        ranking = permutations(60, 5, seed)
        low, high = agreement.interval(ranking, **OPTIONS)
        held.append(low <= 0 <= high)
        other = alpha_forms.weighted(ranking, "ordinal")
        low, high = bootstrap.interval(other, 60, confidence=0.95, resamples=500, seed=0)
        copies.append(low <= 0 <= high)
    assert np.mean(held) > 0.97
    assert np.mean(copies) < 0.88


@pytest.mark.parametrize("level", LEVELS)
def test_the_interval_holds_the_estimate_and_narrows_with_the_images(level):
    widths = []
    for images in (20, 80, 320):
        ranking = agreement.ranks(related(images, 6, noise=0.5), True)
        low, high = agreement.interval(ranking, **OPTIONS | {"level": level})
        assert low < agreement.alpha(ranking, level) < high
        widths.append(high - low)
    # As 1 / sqrt(images), roughly: half for four times as many.
    assert all(0.35 < narrow / wide < 0.7 for wide, narrow in pairwise(widths))


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """The truth is alpha of very many images; 90 % of 200 intervals hold it, give or take chance."""
    truth = agreement.alpha(agreement.ranks(related(20000, 5, seed=1, noise=0.5), True))
    held = 0
    for seed in range(200):
        ranking = agreement.ranks(related(60, 5, seed=seed + 10, noise=0.5), True)
        low, high = agreement.interval(ranking, **OPTIONS | {"confidence": 0.9})
        held += low < truth < high
    assert abs(held / 200 - 0.9) < 4 * (0.9 * 0.1 / 200) ** 0.5


def test_rankings_that_all_agree_leave_no_doubt():
    assert agreement.interval(np.tile([1.0, 2, 3], (9, 1)), **OPTIONS) == (1, 1)


def test_the_same_seed_gives_the_same_interval():
    ranking = permutations(30, 4)
    first, again, other = (agreement.interval(ranking, **OPTIONS | {"seed": seed}) for seed in (0, 0, 1))
    assert first == again != other


SCORES = {
    "score": np.array(
        [[0.9, 0.8, 0.7, np.nan], [0.5, 0.4, 0.3, np.nan], [0.6, 0.5, np.nan, 0.5], [0.1, 0.9, 0.1, 0.1]]
    ),
    "method": np.array([b"a", b"b", b"c", b"noise"]),
    "index": np.arange(4),
}
KEYS = {"dataset": "d", "model": "m", "recipe": "r", "seed": 0, "metric": "iauc"}
GROUPS = {"all": ["a", "b", "c"], "all+controls": ["a", "b", "c", "noise"], "pair": ["b", "a"], "lone": ["c"]}


def test_the_table_of_agreement_by_hand():
    table = evaluation.agreement_table(SCORES, GROUPS, True, OPTIONS, KEYS).set_index("group")
    assert table["images"].to_dict() == {"all": 3, "all+controls": 4, "pair": 3, "lone": 0}
    assert table["methods"].to_dict() == {"all": 3, "all+controls": 4, "pair": 2, "lone": 1}
    assert table["invalid"].to_dict() == {"all": 3, "all+controls": 3, "pair": 2, "lone": 1}
    assert table.loc["pair", ["alpha", "low", "high"]].tolist() == [1, 1, 1]
    ranking = np.array([[1, 3, 2, 4], [2, 4, 3, 1], [1, 2, np.nan, 3], [np.nan, np.nan, 1, 2]])
    package = krippendorff.alpha(reliability_data=ranking, level_of_measurement="ordinal")
    assert table.loc["all+controls", "alpha"] == pytest.approx(package)
    # Ranks 1, 3, 2, 4 and 2, 4, 3, 1: their sums lie 2, 2, 0, 0 off; the third image lacks a rank.
    assert table["kendalls_w"].iloc[:3].tolist() == pytest.approx([1, 12 * 8 / (2**2 * (4**3 - 4)), 1])
    assert np.isnan(table.loc["lone", "kendalls_w"])
    assert table["note"].to_dict() == dict.fromkeys(GROUPS, "") | {"lone": "one method: nothing to rank"}
    assert (table[list(KEYS)] == list(KEYS.values())).all(axis=None)


def test_an_image_with_one_valid_score_ranks_nothing():
    """Its one method would be the first of one, which is no rank among four."""
    scores = {"score": np.round(related(12, 4)), "method": SCORES["method"], "index": np.arange(12)}
    lonely = np.full((4, 3), np.nan)
    lonely[0] = 5
    more = scores | {"score": np.concatenate([scores["score"], lonely], axis=1), "index": np.arange(15)}
    groups = {"all": ["a", "b", "c", "noise"]}
    one, other = (evaluation.agreement_table(each, groups, True, OPTIONS, KEYS).iloc[0] for each in (scores, more))
    assert one["images"] == other["images"] == 12
    assert other["alpha"] == pytest.approx(one["alpha"])


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([[1.0, np.nan], [2.0, 3.0]], "1 images with two valid scores"),
        ([[1.0, 2.0], [1.0, 2.0]], "all methods tie on every image"),
    ],
)
def test_an_empty_alpha_has_a_reason(values, note):
    scores = {"score": np.array(values), "method": np.array([b"a", b"b"]), "index": np.arange(2)}
    row = evaluation.agreement_table(scores, {"all": ["a", "b"]}, True, OPTIONS, KEYS).iloc[0]
    assert np.isnan(row[["alpha", "low", "high"]].astype(float)).all()
    assert row["note"] == note


def test_no_tie_is_named_where_there_is_none():
    """Two images that were scored under different methods have nothing in common; nothing ties."""
    values = [[1.0, np.nan], [2.0, np.nan], [np.nan, 1.0], [np.nan, 2.0]]
    scores = {"score": np.array(values), "method": np.array([b"a", b"b", b"c", b"d"]), "index": np.arange(2)}
    row = evaluation.agreement_table(scores, {"all": ["a", "b", "c", "d"]}, True, OPTIONS, KEYS).iloc[0]
    assert np.isnan(row["alpha"])
    assert row["note"]
    assert "tie" not in row["note"]


@pytest.mark.parametrize("higher", [True, False])
def test_the_summary_by_hand(higher):
    table = evaluation.summary_table(SCORES, GROUPS, higher, OPTIONS, KEYS)
    assert len(table) == sum(map(len, GROUPS.values()))
    assert (table["direction"] == ("higher" if higher else "lower")).all()
    rows = table.set_index(["group", "method"])
    assert rows["images"].loc["all"].tolist() == [3, 3, 3]
    assert rows["invalid"].loc["all"].tolist() == [1, 1, 1]
    assert rows["mean"].loc["all"].tolist() == pytest.approx([0.8, 0.4, 1.6 / 3])
    # The last image has one valid score: it ranks nothing, so "c" has no first place from it.
    expected = [1, (3 + 3 + 2) / 3, (2 + 2) / 2] if higher else [(3 + 3 + 2) / 3, 1, (2 + 2) / 2]
    assert rows["mean_rank"].loc["all"].tolist() == pytest.approx(expected)
    assert rows["mean_rank"].loc["pair"].tolist() == ([2, 1] if higher else [1, 2])
    for (_, method), row in rows.iterrows():
        values = SCORES["score"][[b"a", b"b", b"c", b"noise"].index(method.encode())]
        assert row["low"] < np.nanmean(values) < row["high"]


def test_a_method_without_one_valid_score_has_no_mean():
    scores = SCORES | {"score": np.where([[True], [False], [False], [False]], np.nan, SCORES["score"])}
    row = evaluation.summary_table(scores, {"all": ["a", "b"]}, True, OPTIONS, KEYS).iloc[0]
    assert np.isnan(row[["mean", "low", "high", "mean_rank"]].astype(float)).all()
    assert (row["images"], row["invalid"]) == (0, 4)
