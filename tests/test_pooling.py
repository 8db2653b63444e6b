"""Cells of maps without torch are those of the probes; correlations of rows are SciPy's."""

import numpy as np
import pytest
import torch
from scipy import stats

from saliency_benchmark import curves, grid, pooling

SIZES = [
    ((8, 12), (2, 3)),
    ((7, 10), (3, 4)),
    ((5, 5), (5, 5)),
    ((9, 4), (1, 1)),
    ((28, 40), (7, 10)),
    ((1, 1), (1, 1)),
]


@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_cells_hold_the_pixels_that_the_grid_of_the_probes_gives_them(shape, size, draw):
    maps = draw(3, *shape)
    assert np.allclose(pooling.means(maps.numpy(), size), grid.pool(maps.double(), size), atol=1e-12)
    cells = grid.cell_of_pixel(shape, size).numpy()
    by_hand = [[image[cells == cell].sum(dtype=float) for cell in range(cells.max() + 1)] for image in maps.numpy()]
    assert np.allclose(pooling.sums(maps.numpy(), size), by_hand, atol=1e-12)


def test_channels_are_summed_with_their_sign_and_a_map_with_a_hole_is_no_map():
    maps = np.array([[[[1.0, 2.0]], [[-3.0, 4.0]]], [[[1.0, np.inf]], [[0.0, 0.0]]]], np.float32)
    assert np.array_equal(pooling.pixels(maps), [[[-2, 6]], [[np.nan, np.nan]]], equal_nan=True)


@pytest.mark.parametrize("value", [0.0, 0.1, -1 / 3, 1e30, 1e-30])
def test_a_constant_map_is_alike_in_cells_that_differ_in_size(value):
    maps = np.full((2, 13, 18), value)
    assert pooling.alike(pooling.means(maps, (3, 4))).all()
    maps[1, 0, 0] += abs(value) * 1e-6 + 1e-12
    assert pooling.alike(pooling.means(maps, (3, 4))).tolist() == [True, False]


def test_what_a_map_says_of_a_subset_is_its_sum_over_the_pixels_there():
    maps = np.arange(15.0).reshape(1, 3, 5)
    subset = np.zeros((1, 2, 1, 2, 2), bool)
    subset[0, 0, 0, 0, 1], subset[0, 1, 0, :, 0] = True, True
    # Rows 0 and 1 are the upper cells, columns 0 to 2 the left ones.
    assert pooling.told(maps, subset).tolist() == [[[3 + 4 + 8 + 9], [0 + 1 + 2 + 5 + 6 + 7 + 10 + 11 + 12]]]
    assert np.isnan(pooling.told(np.full((1, 3, 5), 0.1), subset)).all()
    assert np.isnan(pooling.told(np.where(maps == 7, np.nan, maps), subset)).all()


def test_a_share_is_found_by_how_many_cells_it_is():
    subset = np.zeros((1, 3, 2, 2, 5), bool)
    for place, count in enumerate((1, 2, 8)):
        subset[0, place, :].reshape(2, 10)[:, :count] = True
    assert [pooling.of_share(subset, share) for share in (0.1, 0.2, 0.8)] == [0, 1, 2]
    with pytest.raises(ValueError, match=r"share is 0.5, and the subsets hold 0.1, 0.2, 0.8 of the cells"):
        pooling.of_share(subset, 0.5)


@pytest.mark.parametrize(("ours", "scipys"), [(curves.pearson, stats.pearsonr), (curves.spearman, stats.spearmanr)])
def test_correlations_of_rows_are_scipys(ours, scipys):
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 3, 8)), rng.integers(0, 4, (2, 3, 8))
    expected = [[scipys(a, b)[0] for a, b in zip(*pair, strict=True)] for pair in zip(first, second, strict=True)]
    assert np.allclose(ours(first, second), expected)


@pytest.mark.parametrize("correlation", [curves.pearson, curves.spearman])
def test_a_row_that_does_not_change_or_holds_no_number_correlates_with_nothing_and_harms_no_other(correlation):
    first = np.array([[1.0, 2, 3], [0.1, 0.1, 0.1], [1, np.nan, 3]])
    assert np.array_equal(correlation(first, first), [1, np.nan, np.nan], equal_nan=True)


def test_a_mean_of_what_is_defined_leaves_out_what_is_not():
    values = np.array([[1.0, np.nan, 3], [np.nan] * 3])
    assert np.array_equal(curves.defined(values), [2, np.nan], equal_nan=True)


def test_cells_need_no_torch_and_take_any_float():
    maps = np.ones((1, 4, 4), np.float16)
    assert pooling.sums(maps, (2, 2)).dtype == float
    assert not isinstance(pooling.sums(maps, (2, 2)), torch.Tensor)
