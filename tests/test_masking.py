"""The order in which pixels go: four by hand, then laws."""

from itertools import pairwise

import numpy as np
import pytest

from saliency_benchmark import artifacts, masking, ordering, ranking, seeds

FRACTIONS = [0, 0.03, 0.1, 0.25, 1 / 3, 0.5, 0.7, 0.9, 0.999, 1]


def tied(images=40, entries=57):
    """Maps of whole numbers from 0 to 2: nearly all entries tie."""
    return np.random.default_rng(0).integers(0, 3, (images, entries)).astype(np.float32)


def lexsorted(values, index, seed=0):
    """The twin of masking.ranks: one sort by falling value, key and place."""
    flat = values.reshape(len(values), -1)
    order = np.lexsort((ordering.tie_keys(index, seed, flat.shape[1]), -flat), axis=1)
    return order.argsort(1).reshape(values.shape)


def test_tie_keys_are_each_image_s_own_stream():
    keys = ordering.tie_keys(np.array([5, 0, 2**40]), 3, 11)
    for row, image in zip(keys, (5, 0, 2**40), strict=True):
        stream = np.random.Philox(key=seeds.derive("ties", 3), counter=[0, 0, 0, image])
        assert np.array_equal(row, np.random.Generator(stream).random(11, np.float32))


def test_four_pixels_by_hand():
    rank = masking.ranks(np.array([[[0.1, 0.9], [0.8, -0.2]]]), np.array([0]))
    assert np.array_equal(rank, [[[2, 0], [1, 3]]])
    assert np.array_equal(masking.removed(rank, 0.5, "remove"), [[[False, True], [True, False]]])
    assert np.array_equal(masking.removed(rank, 0.25, "keep"), [[[True, False], [True, True]]])


@pytest.mark.parametrize("order", ["remove", "remove_least", "keep"])
@pytest.mark.parametrize("fraction", FRACTIONS)
def test_exactly_so_many_go_from_every_image_whatever_the_ties(fraction, order):
    gone = masking.removed(masking.ranks(tied(), np.arange(40)), fraction, order).sum(1)
    share = round(fraction * 57)
    assert (gone == (57 - share if order == "keep" else share)).all()


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_keep_removes_exactly_what_remove_leaves(fraction):
    rank = masking.ranks(tied(), np.arange(40))
    assert np.array_equal(masking.removed(rank, fraction, "keep"), ~masking.removed(rank, fraction, "remove"))


@pytest.mark.parametrize("fraction", FRACTIONS)
def test_the_least_salient_go_as_the_most_salient_of_the_opposite_map_where_nothing_ties(fraction):
    maps = np.random.default_rng(1).normal(size=(5, 8, 9))
    rank, opposite = (masking.ranks(sign * maps, np.arange(5)) for sign in (1, -1))
    gone = masking.removed(opposite, fraction, "remove")
    assert np.array_equal(masking.removed(rank, fraction, "remove_least"), gone)


@pytest.mark.parametrize("count", range(58))
def test_the_least_salient_so_many_are_what_removing_the_others_leaves(count):
    rank = masking.ranks(tied(), np.arange(40))
    gone = masking.removed(rank, count / 57, "remove_least")
    assert np.array_equal(gone, ~masking.removed(rank, (57 - count) / 57, "remove"))


def test_a_larger_fraction_removes_what_the_smaller_did_and_more():
    rank = masking.ranks(tied(), np.arange(40))
    gone = [masking.removed(rank, fraction, "remove") for fraction in FRACTIONS]
    assert all((small <= large).all() for small, large in pairwise(gone))


@pytest.mark.parametrize("value", [np.inf, -np.inf, 0.0])
def test_ranks_are_a_permutation_in_falling_order(value):
    maps = tied()
    maps[:, :5] = value
    maps[:, 3] *= -1.0 if value == 0 else 1.0  # -0 ties with 0
    rank = masking.ranks(maps, np.arange(40)).astype(int)
    assert np.array_equal(np.sort(rank, 1), np.tile(np.arange(57), (40, 1)))
    ordered = np.take_along_axis(maps, np.argsort(rank, 1), 1)
    assert (ordered[:, :-1] >= ordered[:, 1:]).all()


def some_maps(kind, dtype, shape=(7, 24, 31)):
    rng = np.random.default_rng(3)
    maps = rng.normal(size=shape)
    if kind == "half zeros":
        maps = np.where(rng.random(shape) < 0.5, rng.choice([0.0, -0.0], shape), maps)
    if kind == "cells":
        maps = maps[:, ::8, ::8].repeat(8, 1).repeat(8, 2)[:, : shape[1], : shape[2]]
    if kind == "extremes":
        maps = rng.choice([np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38, 1.0], shape)
    if kind == "whole numbers":
        maps = (3 * maps).round()
    if kind == "few ties":
        maps[3, 5, 5:9], maps[6, 0, 0] = maps[3, 7, 3], maps[6, 23, 30]
    return maps.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["noise", "half zeros", "cells", "extremes", "few ties", "whole numbers"])
def test_ranks_are_those_of_one_sort_by_value_key_and_place(kind, dtype, monkeypatch):
    maps, index = some_maps(kind, dtype), np.arange(7) * 3
    monkeypatch.setattr(masking, "SORTED_AT_ONCE", 1500)
    assert np.array_equal(masking.ranks(maps, index, seed=5), lexsorted(maps, index, seed=5))


def test_equal_keys_fall_by_their_places_however_many_runs_there_are(monkeypatch):
    order, same = np.array([[3, 1, 0, 2, 4], [4, 2, 3, 1, 0]]), np.array([[1, 1, 0, 0], [0, 1, 0, 1]], bool)
    keys = np.array([[0.5, 0.25, 0, 0.25, 0], [0.75, 0.25, 0.5, 0, 0]], np.float32)
    for bits in (24, 62):
        monkeypatch.setattr(ordering, "KEY_BITS", bits)
        settled = ordering._settled(order, same, keys)
        assert settled.tolist() == [[1, 3, 0, 2, 4], [4, 3, 2, 1, 0]]


@pytest.mark.parametrize("order", ["remove", "remove_least", "keep"])
@pytest.mark.parametrize("entries", [1, 2, 7, 10, 49, 50, 57, 99, 100, 150, 255, 729, 784, 1024])
def test_levels_of_whole_percents_take_a_byte_and_remove_what_ranks_do(entries, order):
    rank = masking.ranks(tied(5, entries), np.arange(5)).astype(int)
    count = masking.counts("percent", entries)
    levels = masking.Levels(masking.levels_of(rank, count), count)
    assert levels.level.dtype == np.uint8
    for fraction in (percent / 100 for percent in range(101)):
        number = round(fraction * entries)
        wanted = {"remove": rank < number, "keep": rank >= number, "remove_least": rank >= entries - number}[order]
        assert np.array_equal(masking.removed(levels, fraction, order), wanted), fraction


@pytest.mark.parametrize("order", ["remove", "remove_least", "keep"])
def test_levels_of_other_fractions_tell_these_and_no_others(order):
    entries, fractions = masking.RANKED + 1, [0.125, 1 / 3, 0.9]
    rank = masking.ranks(tied(2, entries), np.arange(2)).astype(int)
    assert masking.counts(fractions, entries - 1) is None
    count = masking.counts(fractions, entries)
    levels = masking.Levels(masking.levels_of(rank, count), count)
    assert levels.level.dtype == np.uint8
    for fraction in (0, *fractions, 1):
        assert np.array_equal(masking.removed(levels, fraction, order), masking.removed(rank, fraction, order))
    with pytest.raises(ValueError, match=r"too coarse to tell the first \d+ of 65537; make them anew"):
        masking.removed(levels, 0.5, order)


@pytest.mark.parametrize("entries", [1, 57, 784])
def test_ranks_made_of_levels_remove_what_these_do(entries):
    count = masking.counts("percent", entries)
    levels = masking.Levels(masking.levels_of(masking.ranks(tied(5, entries), np.arange(5)), count), count)
    rank = levels.ranks()
    assert np.array_equal(np.sort(rank, 1), np.tile(np.arange(entries), (5, 1)))
    for percent in range(101):
        gone = [masking.removed(each, percent / 100, "remove") for each in (rank, levels)]
        assert np.array_equal(*gone)


@pytest.mark.parametrize("percent", [1, 30, 99])
def test_of_a_hundred_entries_or_more_a_level_is_the_percentage_before_which_they_stay(percent):
    count = masking.counts("percent", 784)
    level = masking.levels_of(np.arange(784), count)
    assert np.array_equal(level < percent, np.arange(784) < round(7.84 * percent))


def test_an_image_has_the_same_ranks_alone_and_in_any_batch():
    maps, index = tied(), np.arange(100, 140)
    together, shuffled = masking.ranks(maps, index), np.random.default_rng(1).permutation(40)
    assert np.array_equal(masking.ranks(maps[shuffled], index[shuffled]), together[shuffled])
    assert np.array_equal(masking.ranks(maps[7:8], index[7:8]), together[7:8])


def test_ties_fall_by_the_index_and_the_seed_and_nothing_else():
    flat = np.zeros((3, 6, 9))
    rank = masking.ranks(flat, np.array([4, 5, 4]))
    assert np.array_equal(rank[0], rank[2])
    assert not np.array_equal(rank[0], rank[1])
    assert not np.array_equal(rank[0], masking.ranks(flat, np.array([4, 5, 4]), seed=1)[0])


def test_every_tied_entry_goes_equally_often():
    gone = masking.removed(masking.ranks(np.zeros((4000, 10)), np.arange(4000)), 0.3, "remove").mean(0)
    assert (abs(gone - 0.3) < 4 * (0.3 * 0.7 / 4000) ** 0.5).all()


def test_a_map_that_holds_nan_is_refused_by_its_index():
    maps = np.zeros((3, 2, 2))
    maps[1, 0, 1] = np.nan
    with pytest.raises(ValueError, match=r"1 maps hold NaN \(first: image 8\); a map must order all of its pixels"):
        masking.ranks(maps, np.array([7, 8, 9]))


@pytest.mark.parametrize(
    ("entries", "dtype"), [(1, "uint8"), (256, "uint8"), (257, "uint16"), (65536, "uint16"), (65537, "uint32")]
)
def test_ranks_take_the_smallest_type_and_still_all_go(entries, dtype):
    rank = masking.ranks(np.zeros((1, entries)), np.array([0]))
    assert rank.dtype == dtype
    assert masking.removed(rank, 1, "remove").all()
    assert not masking.removed(rank, 0, "remove").any()


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_fraction_is_a_share(fraction):
    with pytest.raises(ValueError, match="0 to 1, the share"):
        masking.count(fraction, 10)


def test_halves_are_rounded_to_the_even_number():
    assert [masking.count(fraction, 10) for fraction in (0.05, 0.15, 0.25, 0.35)] == [0, 2, 2, 4]


@pytest.mark.parametrize(("unit", "shape"), [("pixel", (5, 4, 5)), ("element", (5, 3, 4, 5))])
@pytest.mark.parametrize("levels", ["percent", [0.125]])
def test_a_pixel_goes_whole_and_an_element_by_itself(unit, shape, levels, tmp_path, monkeypatch):
    maps = np.random.default_rng(0).normal(size=(5, 3, 4, 5)).astype(np.float32)
    stored = {"attribution": maps, "index": np.arange(5), "prediction": np.zeros((5, 3), np.float32)}
    stored |= {name: np.zeros(5, np.int32) for name in ("label", "target")}
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, stored, {})
    monkeypatch.setattr(ranking, "BLOCK", 120)
    with (
        artifacts.Reader(tmp_path / "maps.h5", artifacts.MAPS) as source,
        artifacts.Writer(tmp_path / "ranks.h5", artifacts.RANKS, {}) as writer,
    ):
        ranking.rank(source, writer, unit=unit, seed=0, levels=levels)
    found = masking.Levels.of(artifacts.read(tmp_path / "ranks.h5", artifacts.RANKS))
    assert found.shape == shape
    values = maps.sum(1) if unit == "pixel" else maps
    rank = (-values.reshape(5, -1)).argsort(1).argsort(1).reshape(shape)
    fraction = 0.3 if levels == "percent" else 0.125
    assert np.array_equal(masking.removed(found, fraction, "remove"), rank < round(fraction * rank[0].size))
    assert np.array_equal(masking.per_unit(maps[:, 0], unit), maps[:, 0])
