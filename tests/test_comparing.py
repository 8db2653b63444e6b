"""Differences of alpha between recipes: resampling by hand, simulated truths, and tables with gaps."""

import krippendorff
import numpy as np
import pytest
from scipy import stats

from saliency_benchmark import agreement, bootstrap, comparing
from tests.rankings import permutations, related, run, share_of

SETTINGS = {"level": "ordinal", "confidence": 0.95, "resamples": 400, "seed": 0}
KEYS = {"dataset": "d", "model": "m", "metric": "iauc"}
ALL = {"all": ["a", "b", "c", "d", "e"]}


def ranking(*args, **options):
    return agreement.ranks(related(*args, **options), True)


def trained(rng, images, *, seeds, retraining, shared=0.6, clearness=0.35):
    """Rankings (image, method) of networks, a list per recipe, no recipe better than the other.

    An image is as hard to all networks, in part (SHARED); a network tells methods apart as well as its seed lets it,
    by a factor whose logarithm has the standard deviation RETRAINING.
    """
    common = shared * rng.normal(size=(5, images))
    found = []
    for _ in range(2 * seeds):
        clear = clearness * np.exp(retraining * rng.normal()) * np.arange(5)[:, None]
        scores = clear + common + (1 - shared**2) ** 0.5 * rng.normal(size=(5, images))
        found.append(agreement.ranks(scores, True))
    return found[:seeds], found[seeds:]


def test_the_difference_is_that_of_the_alphas_and_its_samples_are_paired():
    """By hand: the same images drawn for both, alpha of each by its package, copies of an image taken out."""
    first, second = ranking(12, 4, seed=1, noise=0.3), ranking(12, 4, seed=2)
    settings = {**SETTINGS, "resamples": 100}
    weights = np.concatenate(list(bootstrap.samples(12, 100, 0))).astype(int)

    def by_hand(chosen):
        number = chosen.sum()
        others = 1 - (chosen * (chosen - 1)).sum() / (number * (number - 1))
        one, other = (
            1 - (1 - krippendorff.alpha(np.repeat(each, chosen, axis=0), level_of_measurement="ordinal")) / others
            for each in (first, second)
        )
        return one - other

    drawn, without = (np.array([by_hand(each) for each in rows]) for rows in (weights, 1 - np.eye(12, dtype=int)))
    estimate = by_hand(np.ones(12, int))
    found = comparing.difference(first, second, **settings)
    assert found == pytest.approx((estimate, *bootstrap.bca(estimate, drawn, without, 0.95)), abs=1e-12)


def test_a_recipe_does_not_differ_from_itself():
    same = ranking(20, 5)
    assert comparing.difference(same, same, **SETTINGS) == (0, 0, 0)


def test_pairing_makes_the_interval_as_narrow_as_the_networks_are_alike():
    scores, rng = related(80, 5, noise=0.4), np.random.default_rng(1)
    first, near = (agreement.ranks(scores + change, True) for change in (0, 0.3 * rng.normal(size=scores.shape)))
    _, low, high = comparing.difference(first, near, **SETTINGS)
    alone = [agreement.interval(each, **SETTINGS) for each in (first, near)]
    apart = sum((above - below) ** 2 for below, above in alone) ** 0.5
    assert high - low < 0.6 * apart


@pytest.mark.parametrize("shared", [0.0, 0.9], ids=["unlike networks", "like networks"])
def test_where_two_networks_are_alike_the_interval_holds_0_as_often_as_it_says(shared):
    rng, covered = np.random.default_rng(0), []
    for _ in range(400):
        (first,), (second,) = trained(rng, 60, seeds=1, retraining=0, shared=shared)
        _, low, high = comparing.difference(first, second, **SETTINGS)
        covered.append(low <= 0 <= high)
    assert share_of(covered, 0.95)


def test_an_effect_on_alpha_is_found():
    """Alpha of about 0.57 against 0.34, on 100 images: found in at least 95 of 100 runs, never with the wrong sign."""
    lows, highs = [], []
    for seed in range(100):
        strong, weak = ranking(100, 5, seed=seed, noise=0.27), ranking(100, 5, seed=1000 + seed, noise=0.42)
        _, low, high = comparing.difference(strong, weak, **SETTINGS)
        lows.append(low)
        highs.append(high)
    assert (np.array(lows) > 0).sum() >= 95
    assert (np.array(highs) > 0).all()


@pytest.mark.parametrize(("seeds", "retraining"), [(3, 0.0), (3, 0.15), (3, 0.4), (5, 0.15)])
def test_over_seeds_the_interval_holds_0_as_often_as_it_says_whatever_retraining_does(seeds, retraining):
    """Of 200 runs; rather too wide than too narrow, as what an image does to one network is counted as retraining."""
    rng, covered = np.random.default_rng(1), []
    for _ in range(200):
        first, second = trained(rng, 60, seeds=seeds, retraining=retraining)
        _, low, high = comparing.over_seeds(first, second, **SETTINGS)
        covered.append(low <= 0 <= high)
    assert 0.95 - 4 * (0.95 * 0.05 / 200) ** 0.5 < np.mean(covered) < 0.995


def test_images_alone_or_three_seeds_drawn_anew_would_promise_too_much():
    """Why seeds are neither left out nor resampled: where retraining matters, such intervals miss far too often."""
    rng, images_only, resampled = np.random.default_rng(2), [], []
    for run_ in range(200):
        first, second = trained(rng, 100, seeds=3, retraining=0.4)
        alphas = [agreement.weighted(each) for each in (*first, *second)]
        drawn = bootstrap.replicates(lambda w, alphas=alphas: np.stack([one(w) for one in alphas], 1), 100, 400, 0)
        picks = np.random.default_rng(run_).integers(0, 3, (2, 400, 3))
        again = [np.take_along_axis(part, pick, 1).mean(1) for part, pick in zip(np.split(drawn, 2, 1), picks)]
        for found, values in (
            (images_only, drawn[:, :3].mean(1) - drawn[:, 3:].mean(1)),
            (resampled, again[0] - again[1]),
        ):
            low, high = np.quantile(values, [0.025, 0.975])
            found.append(low <= 0 <= high)
    assert np.mean(images_only) < 0.5
    assert np.mean(resampled) < 0.88


def test_an_effect_that_is_greater_than_retraining_is_found_over_seeds():
    rng, found = np.random.default_rng(3), []
    for _ in range(60):
        weak, _ = trained(rng, 100, seeds=3, retraining=0.1)
        strong, _ = trained(rng, 100, seeds=3, retraining=0.1, clearness=0.8)
        found.append(comparing.over_seeds(strong, weak, **SETTINGS)[1] > 0)
    assert np.mean(found) > 0.9


def test_without_noise_of_images_it_is_welchs_t_interval():
    """Networks that have nothing in common but their recipe: scipy's, for two independent samples."""
    alphas = [np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.9, 0.4, 0.6])]
    parts = comparing._parts(np.concatenate(alphas), np.eye(7), 3)
    assert parts[2] == 0
    found = comparing._student(alphas[0].mean() - alphas[1].mean(), parts, 0.9)
    assert found == pytest.approx(tuple(stats.ttest_ind(*alphas, equal_var=False).confidence_interval(0.9)), rel=1e-9)


def test_what_all_networks_share_cancels_and_what_a_recipe_shares_does_not():
    """Covariances by hand: variance 4 of each network, 2 within the recipes, 1 between them."""
    covariance = np.full((5, 5), 1.0)
    covariance[:2, :2] = covariance[2:, 2:] = 2
    np.fill_diagonal(covariance, 4)
    alphas = np.array([0.1, 0.3, 0.2, 0.5, 0.8])
    retraining, numbers, images = comparing._parts(alphas, covariance, 2)
    assert images == pytest.approx(2 + 2 - 2 * 1)
    assert numbers == [2, 3]
    assert retraining == pytest.approx([0.02 / 2, 0.09 / 3])
    assert comparing._parts(alphas[:2], covariance[:2, :2], 2)[2] == pytest.approx(2)


def test_over_seeds_one_seed_gives_the_difference_and_no_interval():
    first, second = ranking(30, 5, seed=1), ranking(30, 5, seed=2)
    estimate, low, high = comparing.over_seeds([first], [second, second], **SETTINGS)
    assert estimate == pytest.approx(agreement.alpha(first) - agreement.alpha(second))
    assert np.isnan([low, high]).all()


def test_the_mean_alpha_of_a_recipe_has_an_interval_over_its_seeds():
    """All networks the same: no retraining, and the interval is that of the images, by normal quantiles."""
    same = ranking(200, 5, noise=0.4)
    estimate, low, high = comparing.over_seeds([same] * 3, [], **SETTINGS)
    assert estimate == pytest.approx(agreement.alpha(same))
    drawn = bootstrap.replicates(agreement.weighted(same), 200, 400, 0)
    assert (high - low) / 2 == pytest.approx(1.96 * drawn.std(ddof=1), rel=1e-3)


def runs(**scores):
    return {tuple(name.split("_")): run(*given) for name, given in scores.items()}


def test_the_table_has_each_seed_and_all_seeds():
    given = runs(
        fp_0=(related(40, 5, 0, noise=0.3),),
        fp_1=(related(40, 5, 1, noise=0.3),),
        base_0=(related(40, 5, 2),),
        base_1=(related(40, 5, 3),),
        base_2=(related(40, 5, 4),),
        ap_0=(related(40, 5, 5),),
    )
    table = comparing.difference_table(given, "base", ALL, True, SETTINGS, KEYS)
    assert table.columns[:10].tolist() == [
        *("dataset", "model", "recipe", "baseline", "seed"),
        *("metric", "group", "difference", "low", "high"),
    ]
    rows = table.set_index(["recipe", "seed"])
    assert rows.index.tolist() == [("fp", "0"), ("fp", "1"), ("fp", "all"), ("ap", "0"), ("ap", "all")]
    alphas = {name: agreement.alpha(agreement.ranks(scores["score"], True)) for name, scores in given.items()}
    assert rows.loc[("fp", "1"), "difference"] == pytest.approx(alphas["fp", "1"] - alphas["base", "1"])
    means = [np.mean([alphas[name] for name in alphas if name[0] == recipe]) for recipe in ("fp", "base")]
    assert rows.loc[("fp", "all"), "difference"] == pytest.approx(means[0] - means[1])
    assert rows.loc[("fp", "all"), ["seeds", "baseline_seeds"]].tolist() == [2, 3]
    assert rows.loc[("ap", "all"), "note"] == comparing.ONE_SEED
    assert np.isnan(rows.loc[("ap", "all"), "low"])
    assert (rows["note"].drop(("ap", "all")) == "").all()
    assert (rows["unpaired"] == 0).all()


def test_images_are_paired_by_their_index_and_those_that_one_run_lacks_are_counted():
    scores, other = related(30, 5, 1), related(30, 5, 2)
    order = np.random.default_rng(0).permutation(30)[:25]
    holes = scores.copy()
    holes[1:, 7] = np.nan  # one score left: image 7 ranks nothing in that run
    kept = np.setdiff1d(np.sort(order), [7])
    given = runs(fp_0=(holes, np.arange(30)), base_0=(other[:, order], order))
    row = comparing.difference_table(given, "base", ALL, True, SETTINGS, KEYS).iloc[0]
    expected = comparing.difference(*(agreement.ranks(each[:, kept], True) for each in (scores, other)), **SETTINGS)
    assert tuple(row[["difference", "low", "high"]]) == pytest.approx(expected, abs=1e-12)
    assert (row["images"], row["unpaired"]) == (len(kept), 30 - len(kept))


def test_no_shared_images_and_no_alpha_are_told():
    apart = runs(fp_0=(related(5, 5), np.arange(5)), base_0=(related(5, 5), np.arange(5, 10)))
    table = comparing.difference_table(apart, "base", ALL, True, SETTINGS, KEYS)
    assert (table["note"] == "fewer than two shared images").all()
    assert table[["difference", "low", "high"]].isna().all(axis=None)
    flat = runs(fp_0=(np.ones((5, 9)),), base_0=(permutations(9, 5).T,))
    table = comparing.difference_table(flat, "base", ALL, True, SETTINGS, KEYS)
    assert (table["note"] == "alpha of one of them is not defined").all()


def test_a_table_without_another_recipe_has_its_columns_and_no_rows():
    table = comparing.difference_table(runs(base_0=(related(9, 5),)), "base", ALL, True, SETTINGS, KEYS)
    assert not len(table)
    assert {"recipe", "baseline", "seed", "difference"} <= set(table.columns)


def test_a_baseline_that_was_not_run_is_an_error_that_names_what_was():
    with pytest.raises(ValueError, match=r"baseline 'base' of dataset d.*there are: fp"):
        comparing.difference_table(runs(fp_0=(related(9, 5),)), "base", ALL, True, SETTINGS, KEYS)
