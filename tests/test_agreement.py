"""Alpha against its definition, its package and its closed form; the interval against scipy; the tables by hand."""

from itertools import pairwise

import krippendorff
import numpy as np
import pytest
from scipy import stats

from saliency_benchmark import agreement, evaluation

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


def brute_force(ranking, level):
    """Krippendorff (2011) to the letter: coincidences of values, and the squared distance of each pair."""
    units = [column[np.isfinite(column)] for column in ranking.T]
    units = [unit for unit in units if len(unit) >= 2]
    values = np.unique(np.concatenate(units))
    coincidences = np.zeros((len(values), len(values)))
    for unit in units:
        for place, one in enumerate(unit):
            for other in np.delete(unit, place):
                coincidences[np.searchsorted(values, one), np.searchsorted(values, other)] += 1 / (len(unit) - 1)
    margin = coincidences.sum(1)
    observed = expected = 0.0
    for c in range(len(values)):
        for k in range(len(values)):
            low, high = min(c, k), max(c, k)
            ordinal = margin[low : high + 1].sum() - (margin[c] + margin[k]) / 2
            distance = ordinal**2 if level == "ordinal" else (values[c] - values[k]) ** 2
            observed += coincidences[c, k] * distance
            expected += margin[c] * margin[k] * distance / (margin.sum() - 1)
    return 1 - observed / expected


def permutations(images, methods, seed=0):
    return np.random.default_rng(seed).permuted(np.tile(np.arange(1.0, methods + 1), (images, 1)), axis=1)


def related(images, methods, seed=0, noise=1.0):
    """Scores (method, image) that agree in part."""
    rng = np.random.default_rng(seed)
    return np.arange(methods)[:, None] + noise * methods * rng.normal(size=(methods, images))


def ragged(seed):
    """Ranks with ties and missing values."""
    rng = np.random.default_rng(seed)
    scores = np.round(related(9, 5, seed, noise=0.3))
    scores[rng.random(scores.shape) < 0.25] = np.nan
    return agreement.ranks(scores[:, np.isfinite(scores).sum(0) >= 2], True)


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
    for level in LEVELS:
        package = krippendorff.alpha(reliability_data=ranking, level_of_measurement=level)
        found = agreement.alpha(ranking, level)
        assert [found, package, brute_force(ranking, level)] == pytest.approx([closed] * 3, abs=1e-12)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(8))
def test_ties_and_missing_values_are_the_packages_and_the_definitions(seed, level):
    ranking = ragged(seed)
    package = krippendorff.alpha(reliability_data=ranking, level_of_measurement=level)
    fast = agreement.alpha_from_counts(*counted(ranking), level)
    found = [agreement.alpha(ranking, level), float(fast), brute_force(ranking, level)]
    assert found == pytest.approx([package] * 3, abs=1e-12)


@pytest.mark.parametrize(("level", "published"), [("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_own_example(level, published):
    assert agreement.alpha(EXAMPLE, level) == pytest.approx(published, abs=5e-4)
    assert brute_force(EXAMPLE, level) == pytest.approx(published, abs=5e-4)


def test_many_samples_at_once_are_each_by_itself():
    rankings = [permutations(7, 4, seed) for seed in range(5)]
    counts = np.stack([counted(ranking)[0] for ranking in rankings])
    found = agreement.alpha_from_counts(counts, np.arange(1.0, 5))
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
    scores = np.array([[0.9, 1, np.nan], [0.1, 2, 5], [0.5, 1, 7], [0.4, 0, np.nan]])
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


@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_bca_is_scipys_on_the_same_replicates(confidence):
    values = np.random.default_rng(0).exponential(size=40)
    drawn = stats.bootstrap((values,), np.mean, n_resamples=4000, rng=np.random.default_rng(1), method="BCa")
    other = stats.bootstrap(
        (values,), np.mean, n_resamples=0, bootstrap_result=drawn, method="BCa", confidence_level=confidence
    ).confidence_interval
    left_out = np.array([np.delete(values, place).mean() for place in range(40)])
    found = agreement.bca(values.mean(), drawn.bootstrap_distribution, left_out, confidence)
    assert found == pytest.approx((other.low, other.high), abs=1e-9)


def test_the_interval_of_a_mean_is_scipys_but_for_chance_and_leaves_the_invalid_out():
    values = np.random.default_rng(0).exponential(size=60)
    options = {"confidence": 0.95, "resamples": 20000, "seed": 0}
    found = agreement.mean_interval(np.concatenate([values, [np.nan, np.inf]]), **options)
    other = stats.bootstrap((values,), np.mean, n_resamples=20000, rng=np.random.default_rng(1), method="BCa")
    assert found == pytest.approx(tuple(other.confidence_interval), abs=0.03 * values.std())
    assert found == agreement.mean_interval(values, **options)
    assert np.isnan(agreement.mean_interval(np.array([1.0, np.nan]), **options)).all()


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
