"""Localisation: cases by hand, laws, brute force, and other libraries where they are right; and where they are not."""

import numpy as np
import pytest
from map_scores import IMAGES, SHAPE, boxes, levels, noise, quantus, score
from sklearn import metrics as sklearn

from saliency_benchmark import masking, regions, registry

METRICS = {name: registry.load("metrics", name, {}) for name in registry.names("metrics")}
NAMES = [
    name
    for name, metric in METRICS.items()
    if getattr(metric, "FAMILY", "") == "localisation" and not hasattr(metric, "PROBE")
]
# Quantus' attribution localisation takes magnitudes unless it is told not to.
POSITIVE = {"abs": False, "positive_attributions": True}
CORNER = np.array([[[1, 0], [1, 0]]], bool)  # the left column of 2 x 2 pixels


def test_all_metrics_that_look_at_maps_and_regions_alone_are_tested_here():
    assert {"pointing_game", "energy_pointing_game", "top_k_intersection", "relevance_mass", "relevance_rank", "iou",
            "iou_auc", "localisation_auc", "attribution_localisation"} <= {*NAMES}  # fmt: skip


# What holds for every one of them.


@pytest.mark.parametrize("make", [noise, levels])
@pytest.mark.parametrize("name", NAMES)
def test_a_score_does_not_depend_on_the_scale_of_a_map(name, make):
    for factor in (2.0**-60, 2.0**60):
        assert np.allclose(score(name, make() * factor, boxes()), score(name, make(), boxes()), equal_nan=True)


@pytest.mark.parametrize("make", [noise, levels])
@pytest.mark.parametrize("name", NAMES)
def test_an_image_scores_the_same_alone_in_any_order_and_with_one_channel(name, make):
    maps, inside, places = make(), boxes(), np.arange(IMAGES)
    whole = score(name, maps, inside)
    alone = [score(name, maps[place, None], inside[place, None], places[place, None])[0] for place in places]
    assert np.array_equal(alone, whole, equal_nan=True)
    assert np.array_equal(score(name, maps[::-1], inside[::-1], places[::-1])[::-1], whole, equal_nan=True)
    assert np.array_equal(score(name, maps[:, None], inside), whole, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_moving_the_pixels_of_map_and_region_together_changes_nothing(name):
    maps, inside, order = noise(), boxes(), np.random.default_rng(2).permutation(70)
    moved = [values.reshape(IMAGES, -1)[:, order].reshape(IMAGES, *SHAPE) for values in (maps, inside)]
    assert np.allclose(score(name, *moved), score(name, maps, inside), equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_region_as_the_map_is_found_as_well_as_can_be(name):
    best = 10.0 if name == "top_k_intersection" else 1.0
    options = {"count": 1, "relative": True} if name == "top_k_intersection" else {}
    inside = np.zeros((1, 5, 8), bool)
    inside[0, 1:3, 2:4] = True
    assert score(name, inside * 3.0, inside, **options) == pytest.approx([best])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_a_map_that_is_not_all_numbers_has_no_score_and_harms_no_other(name, bad):
    maps, expected = noise(), score(name, noise(), boxes())
    maps[3, 2, 2] = bad
    expected[3] = np.nan
    kept = maps.copy()
    assert np.array_equal(score(name, maps, boxes()), expected, equal_nan=True)
    assert np.array_equal(maps, kept, equal_nan=True)  # the caller's own are left as they are


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_region_has_no_score_and_harms_no_other(name):
    inside, expected = boxes(), score(name, noise(), boxes())
    inside[5], expected[5] = False, np.nan
    assert np.array_equal(score(name, noise(), inside), expected, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pointing_game", np.nan),
        ("top_k_intersection", np.nan),
        ("localisation_auc", 0.5),
        ("energy_pointing_game", 2 / 70),
        ("attribution_localisation", 2 / 70),
        ("relevance_mass", 2 / 70),
        ("iou", 2 / 70),
        ("iou_auc", 2 / 70),
    ],
)
def test_a_constant_map_gets_what_its_file_says(name, expected):
    inside = np.zeros((1, *SHAPE), bool)
    inside[0, 0, :2] = True
    assert score(name, np.full((1, *SHAPE), 2.5), inside) == pytest.approx([expected], nan_ok=True)


@pytest.mark.parametrize("value", [0.0, -3.0])
@pytest.mark.parametrize("name", NAMES)
def test_a_map_of_zeros_or_of_one_negative_value_scores_nothing_but_one_half_as_a_classifier(name, value):
    found = score(name, np.full((2, *SHAPE), value), boxes(images=2))
    expected = 0.5 if name == "localisation_auc" else np.nan
    assert np.array_equal(found, [expected] * 2, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("pointing_game", np.nan), ("localisation_auc", np.nan), ("relevance_mass", 1), ("relevance_rank", 1), ("iou", 1)],
)
def test_an_image_of_one_pixel_gets_what_its_file_says(name, expected):
    assert score(name, np.ones((1, 1, 1)), np.ones((1, 1, 1), bool)) == pytest.approx([expected], nan_ok=True)


@pytest.mark.parametrize("name", ["energy_pointing_game", "relevance_mass", "top_k_intersection", "pointing_game"])
def test_what_several_objects_hold_adds_up(name):
    options = {"count": 9} if name == "top_k_intersection" else {}
    one, other = np.zeros((2, IMAGES, *SHAPE), bool)
    one[:, :3, :4], other[:, 4:, 5:] = True, True
    parts = [score(name, noise(), part, **options) for part in (one, other)]
    assert np.allclose(score(name, noise(), one | other, **options), sum(parts))


@pytest.mark.parametrize("name", ["pointing_game", "top_k_intersection", "localisation_auc", "energy_pointing_game",
                                  "attribution_localisation", "iou", "iou_auc"])  # fmt: skip
def test_channels_are_summed_with_their_signs(name):
    maps = np.random.default_rng(0).normal(size=(IMAGES, 3, *SHAPE))
    assert np.allclose(score(name, maps, boxes()), score(name, maps.sum(1), boxes()), equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_maps_as_they_are_stored_score_as_their_doubles(name):
    for maps in (noise().astype(np.float32), levels().astype(np.float32)):
        assert np.allclose(score(name, maps, boxes()), score(name, maps.astype(float), boxes()), equal_nan=True)


# Pointing game.


@pytest.mark.parametrize(("tolerance", "expected"), [(0, 0), (4, 0), (5, 1), (6, 1)])
def test_a_hit_may_lie_beside_the_region_by_the_tolerance(tolerance, expected):
    maps, inside = np.zeros((1, 9, 12)), np.zeros((1, 9, 12), bool)
    maps[0, 5, 6], inside[0, 1:3, 1:3] = 1, True  # three rows below, four columns beside: 5 pixels
    assert score("pointing_game", maps, inside, tolerance=tolerance) == [expected]


@pytest.mark.parametrize("make", [noise, levels])
@pytest.mark.parametrize("tolerance", [0, 1, 1.5, 3])
def test_tolerance_is_the_distance_to_the_nearest_pixel_of_the_region(make, tolerance):
    maps, inside = make(), boxes()
    expected = []
    for saliency, region in zip(maps, inside, strict=True):
        peaks, pixels = np.argwhere(saliency == saliency.max()), np.argwhere(region)
        distance = np.sqrt(((peaks[:, None] - pixels) ** 2).sum(2)).min(1)
        expected.append((distance <= tolerance).mean())
    assert np.allclose(score("pointing_game", maps, inside, tolerance=tolerance), expected)


def test_no_tolerance_reaches_an_empty_region_or_another_images():
    inside = np.stack([np.zeros(SHAPE, bool), np.ones(SHAPE, bool)])
    assert np.isnan(score("pointing_game", noise(images=2), inside, tolerance=1000)).tolist() == [True, False]


def test_a_negative_tolerance_is_refused():
    with pytest.raises(ValueError, match="tolerance is -1; wanted: 0 or more pixels"):
        score("pointing_game", noise(), boxes(), tolerance=-1)


def test_the_pointing_game_is_quantus_where_one_pixel_is_the_most_salient():
    assert np.array_equal(score("pointing_game", noise(), boxes()), quantus("PointingGame", noise(), boxes()))


def test_an_empty_region_is_no_hit_where_quantus_counts_one():
    inside = boxes()
    inside[0] = False
    assert quantus("PointingGame", noise(), inside)[0] == 1
    assert np.isnan(score("pointing_game", noise(), inside)[0])


def test_a_map_of_zeros_points_nowhere_where_quantus_counts_a_hit():
    maps = noise()
    maps[0] = 0
    assert quantus("PointingGame", maps, boxes())[0] == 1
    assert np.isnan(score("pointing_game", maps, boxes())[0])


def test_quantus_cannot_weight_its_pointing_game():
    with pytest.raises(TypeError, match="boolean array indexing assignment"):
        quantus("PointingGame", boxes() + 0.1 * noise(), boxes(), weighted=True)


# Shares of relevance.


def test_energy_is_of_the_sum_and_relevance_mass_of_each_channel():
    maps = np.array([[[[2.0, 1], [0, 0]], [[-2, 1], [1, 0]]]])  # sums 0, 2, 1, 0; positive parts 2, 2, 1, 0
    assert score("energy_pointing_game", maps, CORNER) == pytest.approx([1 / 3])
    assert score("relevance_mass", maps, CORNER) == pytest.approx([3 / 5])


def test_on_one_channel_energy_is_relevance_mass():
    found = [score(name, noise(), boxes()) for name in ("energy_pointing_game", "relevance_mass")]
    assert np.array_equal(*found)


@pytest.mark.parametrize("name", ["energy_pointing_game", "relevance_mass"])
def test_shares_of_positive_maps_are_quantus(name):
    maps = np.abs(noise())
    assert np.allclose(score(name, maps, boxes()), quantus("RelevanceMassAccuracy", maps, boxes()))


def test_a_share_of_relevance_is_one_where_all_of_it_lies_inside_where_quantus_adds_negative_relevance():
    maps = np.array([[[3.0, -2], [0, 0]]])
    assert quantus("RelevanceMassAccuracy", maps, CORNER) == pytest.approx([3])
    assert score("relevance_mass", maps, CORNER) == pytest.approx([1])


@pytest.mark.parametrize("name", ["PointingGame", "RelevanceMassAccuracy", "RelevanceRankAccuracy", "AUC",
                                  "AttributionLocalisation"])  # fmt: skip
def test_maps_with_channels_are_scored_where_quantus_stops(name):
    maps = np.random.default_rng(0).normal(size=(4, 3, *SHAPE))
    with pytest.raises((ValueError, IndexError)):
        quantus(name, maps, boxes(images=4))
    for ours in NAMES:
        assert score(ours, maps, boxes(images=4)).shape == (4,)


def test_one_bad_map_leaves_the_others_their_scores_where_quantus_spoils_all():
    maps = np.abs(noise())
    maps[0, 0, 0] = np.nan
    assert np.isnan(quantus("RelevanceMassAccuracy", maps, boxes())).all()
    assert np.isnan(score("relevance_mass", maps, boxes())).sum() == 1


def test_attribution_localisation_is_the_energy_and_weighted_by_how_small_the_region_is():
    plain = score("attribution_localisation", noise(), boxes())
    assert np.array_equal(plain, score("energy_pointing_game", noise(), boxes()))
    weighted = score("attribution_localisation", noise(), boxes(), weighted=True)
    assert np.allclose(weighted, plain * 70 / boxes().sum((1, 2)))
    even = score("attribution_localisation", np.full((IMAGES, *SHAPE), 0.2), boxes(), weighted=True)
    assert np.allclose(even, 1)


def test_regions_that_are_too_large_are_not_scored():
    size = boxes().mean((1, 2))
    found = score("attribution_localisation", noise(), boxes(), max_size=float(np.median(size)))
    assert np.array_equal(np.isnan(found), size > np.median(size))
    with pytest.raises(ValueError, match="max_size is 25; wanted: above 0 and up to 1"):
        score("attribution_localisation", noise(), boxes(), max_size=25)


def test_attribution_localisation_is_quantus_without_weights():
    found = quantus("AttributionLocalisation", noise(), boxes(), **POSITIVE)
    assert np.allclose(score("attribution_localisation", noise(), boxes()), found, atol=1e-8)


def test_negative_relevance_is_no_localisation_where_quantus_counts_its_magnitude():
    """Its `positive_attributions` comes after its magnitudes, which are its default, and changes nothing."""
    maps = np.array([[[1.0, 2], [-3, 0]]])
    assert quantus("AttributionLocalisation", maps, CORNER, positive_attributions=True) == pytest.approx([4 / 6])
    assert score("attribution_localisation", maps, CORNER) == pytest.approx([1 / 3])


def test_small_regions_weigh_more_where_quantus_weighs_them_less_and_by_the_number_of_images():
    """Kohlbrenner et al. multiply by S_tot / S_in; Quantus by S_in / (pixels of all images but two)."""
    theirs = POSITIVE | {"weighted": True}
    plain, size = score("attribution_localisation", noise(), boxes()), boxes().mean((1, 2))
    assert np.allclose(quantus("AttributionLocalisation", noise(), boxes(), **theirs), plain * size / (IMAGES - 2))
    some = quantus("AttributionLocalisation", noise()[:4], boxes()[:4], **theirs)
    assert np.allclose(some, (plain * size)[:4] / 2)
    ours = score("attribution_localisation", noise(), boxes(), weighted=True)
    assert np.allclose(ours, plain / size)


def test_too_large_regions_are_left_out_where_quantus_only_warns():
    theirs = quantus("AttributionLocalisation", noise(), boxes(), **POSITIVE, max_size=0.01)
    assert np.isfinite(theirs).all()
    assert np.isnan(score("attribution_localisation", noise(), boxes(), max_size=0.01)).all()


# The most salient pixels.


def chosen(values, count, seed=0):
    """True where a pixel is one of the COUNT most salient of its image: asked pixel by pixel."""
    index, pixels = np.arange(len(values)), np.eye(values.shape[1], dtype=bool)
    alone = [
        regions.hits(values, np.tile(pixel, (len(values), 1)), count, index, regions.chance(seed)) for pixel in pixels
    ]
    return np.stack(alone, 1) == 1


@pytest.mark.parametrize("make", [noise, levels])
def test_exactly_so_many_pixels_are_chosen_and_none_outside_is_more_salient(make):
    values = make().reshape(IMAGES, -1)
    count = np.arange(IMAGES) * 6
    found = chosen(values, count)
    assert found.sum(1).tolist() == count.tolist()
    for row, pixels in zip(values, found, strict=True):
        assert row[pixels].min(initial=np.inf) >= row[~pixels].max(initial=-np.inf)


@pytest.mark.parametrize("make", [noise, levels])
def test_the_same_pixels_are_chosen_beside_any_region(make):
    """Also where all equals lie inside or all outside, and nothing is drawn."""
    values = make().reshape(IMAGES, -1)
    count, index = np.arange(IMAGES) * 6, np.arange(IMAGES)
    found = chosen(values, count)
    for inside in (boxes().reshape(IMAGES, -1), values == 2, values != 2, values >= 0, np.ones_like(found)):
        assert (
            regions.hits(values, inside, count, index, regions.chance(0)).tolist() == (found & inside).sum(1).tolist()
        )


def test_without_ties_the_chosen_pixels_are_those_of_the_ranks():
    values, count = noise().reshape(IMAGES, -1), np.full(IMAGES, 13)
    assert np.array_equal(chosen(values, count), masking.ranks(values, np.arange(IMAGES)) < 13)


def test_equally_salient_pixels_are_chosen_equally_often_and_by_the_seed():
    values, count = np.tile([5.0, 1, 1, 1, 1, 0], (4000, 1)), np.full(4000, 3)
    found = [chosen(values, count, seed) for seed in (0, 0, 1)]
    assert found[0][:, 0].all()
    assert not found[0][:, 5].any()
    assert np.abs(found[0][:, 1:5].mean(0) - 1 / 2).max() < 4 * 0.5 / 4000**0.5
    assert np.array_equal(found[0], found[1])
    assert (found[0] != found[2]).any(1).mean() > 0.7  # 5 of 6 pairs are others


def test_a_map_without_numbers_has_no_most_salient_pixels():
    values = np.array([[np.nan, np.nan], [1.0, 2]])
    assert chosen(values, np.array([1, 1])).tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"count": 1}, 1),
        ({"count": 2}, 1 / 2),
        ({"count": 3}, 2 / 3),
        ({"count": 4}, 2 / 4),
        ({"share": 0.5}, 1 / 2),
        ({"count": 3, "relative": True}, 4 / 3),
    ],
)
def test_top_k_by_hand(options, expected):
    assert score("top_k_intersection", [[[4.0, 3], [2, 1]]], CORNER, **options) == pytest.approx([expected])


def test_all_pixels_hold_the_region_by_its_size_and_chance_is_one():
    size = boxes().mean((1, 2))
    assert np.allclose(score("top_k_intersection", noise(), boxes(), share=1.0), size)
    assert np.allclose(score("top_k_intersection", noise(), boxes(), share=1.0, relative=True), 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0.001}, "share 0.001, count None is 0 of 70 pixels; wanted: 1 at least"),
        ({"count": 0}, "count 0 is 0 of 70 pixels"),
        ({"count": 71}, "the 71 most salient of 70 pixels are asked for"),
        ({"share": 1.5}, "fraction is 1.5; wanted: 0 to 1"),
    ],
)
def test_a_number_of_pixels_that_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        score("top_k_intersection", noise(), boxes(), **options)


@pytest.mark.parametrize("relative", [False, True])
def test_top_k_is_quantus_without_ties(relative):
    found = quantus("TopKIntersection", noise(), boxes(), k=17, concept_influence=relative)
    assert np.allclose(score("top_k_intersection", noise(), boxes(), count=17, relative=relative), found)


def test_relevance_rank_is_quantus_on_positive_maps_without_ties():
    maps = np.abs(noise())
    assert np.allclose(score("relevance_rank", maps, boxes()), quantus("RelevanceRankAccuracy", maps, boxes()))


@pytest.mark.parametrize(
    ("name", "peer", "ours", "theirs"),
    [
        ("top_k_intersection", "TopKIntersection", {"count": 21}, {"k": 21}),
        ("relevance_rank", "RelevanceRankAccuracy", {}, {}),
    ],
)
def test_ties_fall_by_chance_where_quantus_takes_them_by_their_place(name, peer, ours, theirs):
    """One pixel has a value, 69 have none: where the region lies among them must not count."""
    maps = np.zeros((4000, *SHAPE))
    maps[:, 0, 0] = 1
    means, quantus_means = [], []
    for rows in (slice(1, 4), slice(4, 7)):
        inside = np.zeros(maps.shape, bool)
        inside[:, rows] = True
        means.append(score(name, maps, inside, **ours).mean())
        quantus_means.append(quantus(peer, maps[:8], inside[:8], **theirs).mean())
    expected = 20 * (30 / 69) / 21 if name == "top_k_intersection" else 29 * (30 / 69) / 30
    assert means == pytest.approx([expected] * 2, abs=0.01)
    assert abs(quantus_means[0] - quantus_means[1]) > 0.5


# Thresholds.


@pytest.mark.parametrize(
    ("thresholds", "take", "expected"),
    [
        ([1.0], "mean", 1 / 2),
        ([0.5], "mean", 1 / 3),
        ([0.25], "mean", 2 / 3),
        ([0.01], "mean", 2 / 3),
        ([1.0, 0.5, 0.25], "mean", (1 / 2 + 1 / 3 + 2 / 3) / 3),
        ([1.0, 0.5, 0.25], "best", 2 / 3),
    ],
)
def test_iou_by_hand(thresholds, take, expected):
    found = score("iou", [[[4.0, 2], [1, -7]]], CORNER, thresholds=thresholds, take=take)
    assert found == pytest.approx([expected])


def test_the_area_under_iou_by_hand():
    """IoU 2/3 up to a quarter of the maximum, 1/3 up to a half, then 1/2."""
    assert score("iou_auc", [[[4.0, 2], [1, -7]]], CORNER) == pytest.approx([(2 / 3 + 1 / 3) / 4 + 1 / 4])


@pytest.mark.parametrize("make", [noise, levels])
@pytest.mark.parametrize("threshold", [0.15, 0.5, 1.0])
def test_iou_is_sklearns_jaccard_index(make, threshold):
    pairs = zip(make(), boxes(), strict=True)
    expected = [
        sklearn.jaccard_score(region.ravel(), (saliency >= threshold * saliency.max()).ravel())
        for saliency, region in pairs
    ]
    assert np.allclose(score("iou", make(), boxes(), thresholds=[threshold]), expected)


@pytest.mark.parametrize("make", [noise, levels])
def test_the_mean_iou_over_a_fine_grid_is_the_area(make):
    grid = (np.arange(4000) + 0.5) / 4000
    area = score("iou_auc", make(), boxes())
    assert np.allclose(score("iou", make(), boxes(), thresholds=list(grid)), area, atol=1e-3)


def test_the_default_grid_is_every_twentieth():
    grid = [step / 20 for step in range(1, 20)]
    singles = [score("iou", noise(), boxes(), thresholds=[threshold]) for threshold in grid]
    assert np.allclose(score("iou", noise(), boxes()), np.mean(singles, axis=0))
    assert np.allclose(score("iou", noise(), boxes(), take="best"), np.max(singles, axis=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thresholds": [0.0, 0.5]}, r"thresholds are \[0.0, 0.5\]; wanted: some above 0 and up to 1"),
        ({"thresholds": [20]}, r"thresholds are \[20\]"),
        ({"thresholds": []}, r"thresholds are \[\]"),
        ({"take": "max"}, "take is 'max'; wanted: mean or best"),
    ],
)
def test_thresholds_that_cannot_be_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        score("iou", noise(), boxes(), **options)


# ROC.


@pytest.mark.parametrize(
    ("saliency", "expected"),
    [([[4, 3], [2, 1]], 3 / 4), ([[4, 2], [3, 1]], 1), ([[2, 2], [2, 1]], 3 / 4), ([[-1, -1], [-1, 0]], 1 / 4)],
)
def test_localisation_auc_by_hand(saliency, expected):
    assert score("localisation_auc", np.array([saliency], float), CORNER) == pytest.approx([expected])


@pytest.mark.parametrize("make", [noise, levels, lambda: np.maximum(noise(), 0)])
def test_localisation_auc_is_sklearns(make):
    pairs = zip(make(), boxes(), strict=True)
    expected = [sklearn.roc_auc_score(region.ravel(), saliency.ravel()) for saliency, region in pairs]
    assert np.allclose(score("localisation_auc", make(), boxes()), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("make", [noise, levels])
def test_the_opposite_map_and_the_opposite_region_have_the_rest_of_the_area(make):
    found = score("localisation_auc", make(), boxes())
    assert np.allclose(score("localisation_auc", -make(), boxes()), 1 - found)
    assert np.allclose(score("localisation_auc", make(), ~boxes()), 1 - found)


def test_a_region_that_is_the_whole_image_leaves_one_class():
    assert np.isnan(score("localisation_auc", noise(), np.ones((IMAGES, *SHAPE), bool))).all()


def test_localisation_auc_is_quantus():
    assert np.allclose(score("localisation_auc", levels(), boxes()), quantus("AUC", levels(), boxes()))
