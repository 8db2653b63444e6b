"""Sparseness, entropy and effective complexity: closed forms, laws, and Quantus where it is right and where not."""

import numpy as np
import pytest
from map_scores import IMAGES, SHAPE, levels, noise, quantus, score
from scipy import stats

NAMES = ["sparseness", "complexity", "effective_complexity"]
PIXELS = SHAPE[0] * SHAPE[1]


def one_hot(value=3.0):
    maps = np.zeros((1, *SHAPE))
    maps[0, 4, 7] = value
    return maps


# What holds for every one of them.


@pytest.mark.parametrize("make", [noise, levels])
@pytest.mark.parametrize("name", NAMES)
def test_neither_scale_nor_sign_nor_place_counts(name, make):
    maps, expected = make(), score(name, make())
    order = np.random.default_rng(2).permutation(PIXELS)
    moved = maps.reshape(IMAGES, -1)[:, order].reshape(maps.shape)
    for same in (-maps, np.abs(maps), moved, maps * 2.0**60, maps * 2.0**-60, maps.astype(np.float32)):
        assert np.allclose(score(name, same), expected, rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_scores_the_same_alone_whatever_its_batch_mates_are(name):
    maps = noise() * 10.0 ** np.arange(-IMAGES, IMAGES, 2)[:, None, None]
    whole = score(name, maps)
    assert np.array_equal([score(name, each[None])[0] for each in maps], whole)
    assert np.array_equal(score(name, maps[:, None]), whole)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_a_map_that_is_not_all_numbers_or_all_zero_has_no_score_and_harms_no_other(name, bad):
    maps, expected = noise(), score(name, noise())
    maps[3, 2, 2], maps[5] = bad, 0
    expected[[3, 5]] = np.nan
    assert np.array_equal(score(name, maps), expected, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
def test_the_magnitude_is_of_the_sum_over_the_channels(name):
    maps = np.random.default_rng(0).normal(size=(IMAGES, 3, *SHAPE))
    assert np.allclose(score(name, maps), score(name, maps.sum(1)))


@pytest.mark.parametrize(
    ("name", "single", "constant"),
    [
        ("sparseness", 1 - 1 / PIXELS, 0),
        ("complexity", 0, np.log(PIXELS)),
        ("effective_complexity", 1, PIXELS),
    ],
)
@pytest.mark.parametrize("value", [2.5, -1e-9])
def test_the_ends_are_one_pixel_that_has_all_and_all_pixels_alike(name, single, constant, value):
    assert score(name, one_hot(value)) == pytest.approx([single], abs=1e-12)
    assert score(name, np.full((1, *SHAPE), value)) == pytest.approx([constant], abs=1e-12)


@pytest.mark.parametrize(("name", "expected"), [("sparseness", 0), ("complexity", 0), ("effective_complexity", 1)])
def test_an_image_of_one_pixel_has_all_in_it(name, expected):
    assert score(name, np.full((1, 1, 1), 4.0)) == pytest.approx([expected])


# Sparseness.


def test_sparseness_by_hand():
    """Of 1, 2, 3, 4: (-3 x 1 - 1 x 2 + 1 x 3 + 3 x 4) / (4 x 10)."""
    assert score("sparseness", [[[3.0, -1], [4, -2]]]) == pytest.approx([10 / 40])


@pytest.mark.parametrize("make", [noise, levels])
def test_sparseness_is_half_the_relative_mean_difference_of_two_pixels(make):
    values = np.abs(make()).reshape(IMAGES, -1)
    difference = np.abs(values[:, :, None] - values[:, None]).mean((1, 2))
    assert np.allclose(score("sparseness", make()), difference / (2 * values.mean(1)))


@pytest.mark.parametrize(("name", "added"), [("sparseness", 0), ("complexity", np.log(6))])
def test_repeating_every_pixel_keeps_sparseness_and_adds_to_entropy(name, added):
    for make in (noise, levels):
        repeated = make().repeat(2, 1).repeat(3, 2)
        assert np.allclose(score(name, repeated), score(name, make()) + added)


@pytest.mark.parametrize("name", ["sparseness", "complexity"])
def test_a_map_that_repeats_but_for_one_pixel_is_no_map_of_cells(name):
    maps = noise(shape=(1, 20)).repeat(8, 2)
    maps[:, :, 150] = 9
    order = np.random.default_rng(2).permutation(160)
    assert np.allclose(score(name, maps), score(name, maps[:, :, order]))


def test_sparseness_is_quantus():
    assert np.allclose(score("sparseness", noise()), quantus("Sparseness", noise()), atol=1e-6)


def test_a_faint_map_is_as_sparse_as_it_is_where_quantus_flattens_it_beside_a_strong_one():
    """It divides all maps by the largest of them, then adds 1e-7."""
    maps = noise()
    maps[0] *= 1e-8
    alone, beside = quantus("Sparseness", maps[:1])[0], quantus("Sparseness", maps)[0]
    assert beside < alone / 4
    assert score("sparseness", maps)[0] == pytest.approx(alone, abs=1e-6)


def test_a_map_of_zeros_is_not_sparse_nor_dense_where_quantus_calls_it_dense():
    maps = noise()
    maps[0] = 0
    assert quantus("Sparseness", maps)[0] == pytest.approx(0)
    assert np.isnan(score("sparseness", maps)[0])


# Entropy.


def test_complexity_by_hand():
    assert score("complexity", [[[1.0, -1], [2, 0]]]) == pytest.approx([1.5 * np.log(2)])


@pytest.mark.parametrize("make", [noise, levels])
def test_complexity_is_scipys_entropy_of_the_magnitudes(make):
    expected = stats.entropy(np.abs(make()).reshape(IMAGES, -1), axis=1)
    assert np.allclose(score("complexity", make()), expected, rtol=1e-12)


@pytest.mark.parametrize("peak", [1, 1e3, 1e30])
def test_complexity_in_single_precision_is_as_exact_as_the_map_is_stored(peak):
    """Also near 0, where one pixel has nearly all."""
    maps = noise().astype(np.float32)
    maps[:, 3, 3] = peak
    expected = stats.entropy(np.abs(maps).astype(float).reshape(IMAGES, -1), axis=1)
    assert np.allclose(score("complexity", maps), expected, rtol=1e-6, atol=0)


def test_complexity_is_quantus():
    assert np.allclose(score("complexity", noise()), quantus("Complexity", noise()), atol=1e-9)


@pytest.mark.parametrize("peer", ["Sparseness", "Complexity", "EffectiveComplexity"])
def test_one_bad_map_leaves_the_others_their_scores_where_quantus_spoils_all(peer):
    name = NAMES[["Sparseness", "Complexity", "EffectiveComplexity"].index(peer)]
    maps = noise()
    maps[0, 0, 0] = np.nan
    found = quantus(peer, maps)
    assert (np.isnan(found) | (found == 0)).all()  # it counts no pixel of any image
    assert np.array_equal(score(name, maps)[1:], score(name, noise())[1:])


# Effective complexity.


@pytest.mark.parametrize(("epsilon", "expected"), [(0.0, 4), (0.01, 3), (0.1, 3), (0.25, 2), (0.5, 1), (1.0, 0)])
def test_pixels_above_epsilon_of_the_largest_count(epsilon, expected):
    maps = np.array([[[8.0, -4], [0.02, 2]]])
    assert score("effective_complexity", maps, epsilon=epsilon).tolist() == [expected]


def test_effective_complexity_is_quantus_on_a_map_alone():
    maps = noise() ** 9  # values from 1e-18 of the largest
    expected = [quantus("EffectiveComplexity", each[None])[0] for each in maps]
    assert len(set(expected)) > 1
    assert score("effective_complexity", maps).tolist() == expected


def test_effective_complexity_is_a_maps_own_where_quantus_divides_by_the_largest_of_the_call():
    maps = noise()
    maps[0] *= 1e-6
    alone, beside = quantus("EffectiveComplexity", maps[:1])[0], quantus("EffectiveComplexity", maps)[0]
    assert (alone, beside) == (PIXELS, 0)
    assert score("effective_complexity", maps)[0] == PIXELS


def test_a_map_of_zeros_is_not_simple_where_quantus_calls_it_the_simplest():
    maps = noise()
    maps[0] = 0
    assert quantus("EffectiveComplexity", maps)[0] == 0
    assert np.isnan(score("effective_complexity", maps)[0])
