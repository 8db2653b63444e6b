"""Masks drawn otherwise: each by hand or by its law, and none depends on other images."""

import numpy as np
import pytest

from saliency_benchmark import mask_variants

KINDS = ["exact", "dilated", "eroded", "shifted", "noisy", "box"]


def square(rows=20, columns=30):
    """A square of 8 x 8 pixels at row 6, column 10, without its upper left corner."""
    region = np.zeros((1, rows, columns), bool)
    region[0, 6:14, 10:18] = True
    region[0, 6, 10] = False
    return region


def vary(kind, regions=None, pixels=2, index=None, seed=0):
    regions = square() if regions is None else regions
    return mask_variants.vary(regions, kind, pixels, np.arange(len(regions)) if index is None else index, seed)


def test_by_hand():
    region = square()
    assert np.array_equal(vary("exact"), region)
    box = region.copy()
    box[0, 6, 10] = True
    assert np.array_equal(vary("box"), box)
    wide = vary("dilated", pixels=1)
    assert wide.sum() == 63 + 8 + 8 + 7 + 7 + 1  # the four sides, two of them shorter, and the lost corner
    assert not wide[0, 5, 9]
    inner = vary("eroded", box, pixels=2)
    assert np.array_equal(np.argwhere(inner[0])[[0, -1]], [[8, 12], [11, 15]])
    assert inner.sum() == 16


def test_the_border_of_the_image_is_no_outline():
    region = np.zeros((1, 10, 10), bool)
    region[0, :, :4] = True
    assert np.array_equal(vary("eroded", region, pixels=2)[0], np.arange(10)[None] < np.full((10, 1), 2))
    whole = np.ones((1, 5, 5), bool)
    assert all(vary(kind, whole).all() for kind in KINDS if kind != "shifted")


def test_of_a_region_that_would_vanish_the_innermost_pixels_stay():
    assert vary("eroded", pixels=9).sum() > 0
    line = np.zeros((1, 9, 9), bool)
    line[0, 4] = True
    assert np.array_equal(vary("eroded", line, pixels=5), line)


def test_a_shift_is_by_so_many_pixels_and_what_leaves_the_image_is_lost():
    seen = set()
    for seed in range(40):
        moved = vary("shifted", pixels=3, seed=seed)
        assert moved.sum() == 63
        seen.add(tuple(np.argwhere(moved[0]).min(0) - (6, 10)))
    assert seen == {(row, column) for row in (-3, 0, 3) for column in (-3, 0, 3) if row or column}
    assert 0 < vary("shifted", square(16, 20), pixels=7, seed=1).sum() <= 63


def test_an_unsteady_outline_moves_in_and_out_by_about_so_many_pixels():
    base = np.zeros((60, 40, 40), bool)
    base[:, 12:28, 12:28] = True
    drawn = vary("noisy", base, pixels=2)
    assert not np.array_equal(drawn[0], drawn[1])
    # Half of the pixels that touch the outline from either side are lost or won; deep inside and far away hardly any.
    assert 0.3 < drawn[:, 12, 14:26].mean() < 0.7
    assert drawn[:, 18:22, 18:22].mean() > 0.98
    assert drawn[:, :5].mean() < 0.02


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_has_its_variant_alone_and_in_any_batch_and_an_empty_region_stays_empty(kind):
    regions = np.concatenate([square(), np.zeros((1, 20, 30), bool), np.roll(square(), 3, 2)])
    all_of_them = vary(kind, regions, index=np.array([7, 8, 9]))
    assert np.array_equal(all_of_them[2:], vary(kind, regions[2:], index=np.array([9])))
    assert not all_of_them[1].any()
    assert regions[0].sum() == 63
