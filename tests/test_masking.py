"""The order in which pixels go: four by hand, then laws."""

from itertools import pairwise

import numpy as np
import pytest

from saliency_benchmark import artifacts, masking, ranking

FRACTIONS = [0, 0.03, 0.1, 0.25, 1 / 3, 0.5, 0.7, 0.9, 0.999, 1]


def tied(images=40, entries=57):
    """Maps of whole numbers from 0 to 2: nearly all entries tie."""
    return np.random.default_rng(0).integers(0, 3, (images, entries)).astype(np.float32)


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


@pytest.mark.parametrize(("unit", "shape"), [("pixel", (2, 4, 5)), ("element", (2, 3, 4, 5))])
def test_a_pixel_goes_whole_and_an_element_by_itself(unit, shape, tmp_path):
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
    stored = {"attribution": maps, "index": np.arange(2), "prediction": np.zeros((2, 3), np.float32)}
    stored |= {name: np.zeros(2, np.int32) for name in ("label", "target")}
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, stored, {})
    with (
        artifacts.Reader(tmp_path / "maps.h5", artifacts.MAPS) as source,
        artifacts.Writer(tmp_path / "ranks.h5", artifacts.RANKS, {}) as writer,
    ):
        ranking.rank(source, writer, unit=unit, seed=0)
    rank = artifacts.read(tmp_path / "ranks.h5", artifacts.RANKS)["rank"]
    assert rank.shape == shape
    values = maps.sum(1) if unit == "pixel" else maps
    assert np.array_equal(rank.reshape(2, -1), (-values.reshape(2, -1)).argsort(1).argsort(1))
    assert np.array_equal(masking.per_unit(maps[:, 0], unit), maps[:, 0])
