"""Agreement of metrics: by hand, by the package image by image, and where there is none."""

import krippendorff
import numpy as np
import pytest
from scipy import stats

from saliency_benchmark import across_metrics, agreement
from tests.rankings import permutations, related, run

SETTINGS = {"confidence": 0.95, "resamples": 300, "seed": 0}
KEYS = {"dataset": "d"}
ALL = {"all": ["a", "b", "c", "d"]}


def test_each_image_has_the_packages_alpha_of_the_metrics():
    """With ties and missing values."""
    rng = np.random.default_rng(0)
    scores = np.round(2 * rng.normal(size=(5, 4, 30)))
    scores[rng.random(scores.shape) < 0.1] = np.nan
    rankings = np.stack([agreement.ranks(each, True) for each in scores])
    package = [krippendorff.alpha(rankings[:, image], level_of_measurement="ordinal") for image in range(30)]
    assert across_metrics.per_image(rankings) == pytest.approx(package, abs=1e-12)


def test_metrics_of_either_direction_that_say_the_same_agree_fully():
    scores = related(20, 4)
    runs = {"up": (run(scores), True), "down": (run(-scores), False), "square": (run(np.exp(scores)), True)}
    row = across_metrics.across_table(runs, ALL, SETTINGS, KEYS).iloc[0]
    assert row[["alpha", "low", "high", "order_alpha"]].tolist() == [1, 1, 1, 1]
    assert row[["images", "unpaired", "metrics", "methods"]].tolist() == [20, 0, 3, 4]


def test_metrics_that_have_nothing_in_common_agree_by_1_over_metrics_and_methods():
    """W of k random orders has the mean 1 / k; see the closed form."""
    rankings = np.stack([permutations(4000, 5, seed) for seed in range(3)])
    found = across_metrics.per_image(rankings)
    assert abs(found.mean() - 1 / 15) < 4 * found.std() / 4000**0.5


def test_order_and_images_answer_different_questions():
    """Noise on each image, and one order in the mean: little agreement on an image, full agreement of the orders."""
    runs = {str(seed): (run(related(3000, 4, seed, noise=1.5)), True) for seed in range(4)}
    row = across_metrics.across_table(runs, ALL, SETTINGS, KEYS).iloc[0]
    assert row["alpha"] < 0.3
    assert row["order_alpha"] == 1


def test_the_order_is_that_of_mean_ranks_and_equal_means_tie():
    first = np.array([[1, 2, 3], [2, 1, 3]])  # means 1.5, 1.5, 3
    second = np.array([[1, 2, 3], [1, 2, 3]])
    expected = krippendorff.alpha(np.array([[1.5, 1.5, 3], [1, 2, 3]]), level_of_measurement="ordinal")
    assert across_metrics.of_orders(np.stack([first, second]).astype(float)) == pytest.approx(expected, abs=1e-12)


def test_the_interval_is_of_the_mean_over_the_images():
    runs = {str(seed): (run(related(60, 4, seed, noise=0.4)), True) for seed in range(3)}
    row = across_metrics.across_table(runs, ALL, SETTINGS, KEYS).iloc[0]
    rankings = np.stack([agreement.ranks(scores["score"], True) for scores, _ in runs.values()])
    alone = across_metrics.per_image(rankings)
    reach = stats.norm.ppf(0.975) * alone.std(ddof=1) / 60**0.5
    assert row["alpha"] == pytest.approx(alone.mean())
    assert (row["low"], row["high"]) == pytest.approx((alone.mean() - reach, alone.mean() + reach), abs=0.35 * reach)


def test_images_that_a_metric_could_not_score_are_counted():
    full, holes = related(20, 4, 1), related(20, 4, 2)
    holes[:, :3] = np.nan
    runs = {"full": (run(full), True), "holes": (run(holes), True), "short": (run(full[:, :15]), True)}
    row = across_metrics.across_table(runs, ALL, SETTINGS, KEYS).iloc[0]
    assert row[["images", "unpaired"]].tolist() == [12, 8]


@pytest.mark.parametrize(
    ("runs", "groups", "note"),
    [
        ({"one": related(9, 4)}, ALL, "one metric: nothing to agree on"),
        ({"one": related(9, 4), "two": related(9, 4)}, {"lone": ["b"]}, "one method: nothing to rank"),
        ({"one": np.ones((4, 9)), "two": np.ones((4, 9))}, ALL, "all methods tie on every image"),
        ({"one": related(9, 4), "two": np.full((4, 9), np.nan)}, ALL, "no image ranks anything under each metric"),
    ],
)  # fmt: skip
def test_where_there_is_nothing_to_agree_on_there_is_a_reason_and_no_number(runs, groups, note):
    given = {name: (run(scores), True) for name, scores in runs.items()}
    row = across_metrics.across_table(given, groups, SETTINGS, KEYS).iloc[0]
    assert row["note"] == note
    assert row[["alpha", "low", "high"]].isna().all()


def test_each_family_of_two_metrics_or_more_has_its_rows_and_all_metrics_have():
    """Metrics of a family say the same, the families the opposite of each other: alpha 1 within, by hand in all."""
    scores = related(20, 4)
    runs = {"up": (run(scores), True), "down": (run(-scores), True), "odd": (run(scores), True)}
    runs |= {"up too": (run(scores), True), "down too": (run(scores), False)}
    families = {"up": "one", "up too": "one", "down": "two", "down too": "two", "odd": "three"}
    groups = ALL | {"pair": ["a", "b"]}
    table = across_metrics.family_table(runs, families, groups, SETTINGS, KEYS)
    assert table.columns.tolist() == [
        *("dataset", "family", "group", "alpha", "low", "high", "order_alpha"),
        *("images", "unpaired", "metrics", "methods", "note"),
    ]
    rows = table.set_index(["family", "group"])
    assert rows.index.tolist() == [(name, group) for name in ("one", "two", "all") for group in groups]
    assert (rows.loc[["one", "two"], ["alpha", "order_alpha"]] == 1).all(axis=None)
    assert rows["metrics"].tolist() == [2, 2, 2, 2, 5, 5]
    ranking = np.array([[1.0, 2, 3, 4]] * 3 + [[4.0, 3, 2, 1]] * 2)
    package = krippendorff.alpha(ranking, level_of_measurement="ordinal")
    assert rows.loc[("all", "all"), "alpha"] == pytest.approx(package, abs=1e-12)


def test_one_metric_is_a_row_of_all_with_a_reason():
    table = across_metrics.family_table({"one": (run(related(9, 4)), True)}, {"one": "x"}, ALL, SETTINGS, KEYS)
    assert table[["family", "note"]].to_numpy().tolist() == [["all", "one metric: nothing to agree on"]]
