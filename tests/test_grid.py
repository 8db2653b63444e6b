"""Cells: every pixel lies in exactly one, and cells and pixels translate into each other."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from saliency_benchmark import grid

SIZES = [((8, 12), (2, 3)), ((7, 10), (3, 4)), ((5, 5), (5, 5)), ((9, 4), (1, 1)), ((28, 40), (7, 10))]


@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_cells_part_the_image_into_rectangles_that_differ_by_a_pixel_at_most(shape, size):
    cells = grid.cell_of_pixel(shape, size).numpy()
    assert cells.shape == shape
    assert set(cells.ravel()) == set(range(size[0] * size[1]))
    sides = []
    for cell in range(size[0] * size[1]):
        rows, columns = np.nonzero(cells == cell)
        sides.append((np.ptp(rows) + 1, np.ptp(columns) + 1))
        assert len(rows) == sides[-1][0] * sides[-1][1]
    assert (np.ptp(sides, axis=0) <= 1).all()


@pytest.mark.parametrize(
    ("shape", "cell", "size"),
    [((28, 40), 4, (7, 10)), ((13, 18), 4, (3, 4)), ((3, 30), 8, (1, 4)), ((2, 2), 9, (1, 1))],
)
def test_the_grid_for_a_cell_is_as_near_as_the_image_allows(shape, cell, size):
    assert grid.for_cell(shape, cell) == size


@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_pooling_undoes_spreading(shape, size, draw):
    values = draw(3, size[0] * size[1])
    assert torch.allclose(grid.pool(grid.spread(values, shape, size)[:, 0], size), values, atol=1e-6)


@pytest.mark.parametrize(("shape", "size"), SIZES)
def test_pooling_keeps_the_mean_of_each_cell_and_so_the_sum(shape, size, draw):
    maps, cells = draw(3, *shape), grid.cell_of_pixel(shape, size)
    pooled = grid.pool(maps, size)
    by_hand = [maps[:, cells == cell].mean(1) for cell in range(size[0] * size[1])]
    assert torch.allclose(pooled, torch.stack(by_hand, 1), atol=1e-6)
    assert torch.allclose((pooled * torch.bincount(cells.flatten())).sum(1), maps.sum((1, 2)), atol=1e-4)


def test_whole_cells_are_torchs_pooling_and_nearest_interpolation(draw):
    maps = draw(3, 8, 12)
    pooled = functional.avg_pool2d(maps[:, None], 4)
    assert torch.allclose(grid.pool(maps, (2, 3)), pooled.flatten(1), atol=1e-6)
    assert torch.equal(grid.spread(pooled.flatten(1), (8, 12), (2, 3)), functional.interpolate(pooled, scale_factor=4))


def test_smooth_cells_are_scaled_per_image_and_drawn_bicubically(draw):
    values = draw(2, 6) * torch.tensor([[1.0], [100.0]])
    unit = torch.stack([(row - row.min()) / (row.max() - row.min()) for row in values]).reshape(2, 1, 2, 3)
    assert torch.allclose(grid.smooth(values, (2, 3), (2, 3)), unit, atol=1e-6)
    drawn = functional.interpolate(unit, (9, 13), mode="bicubic", align_corners=False)
    assert torch.allclose(grid.smooth(values, (9, 13), (2, 3)), drawn, atol=1e-6)


def test_a_constant_map_has_no_smooth_mask_and_harms_no_other():
    soft = grid.smooth(torch.tensor([[1.0, 1.0], [0.0, 2.0]]), (3, 4), (1, 2))
    assert soft[0].isnan().all()
    assert soft[1].isfinite().all()
