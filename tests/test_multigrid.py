"""A cycle of multigrid against dense matrices: what coarse grids see, symmetry, and how near it is to an inverse."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from saliency_benchmark import multigrid, planes

SHAPES = [(7, 7), (8, 10), (1, 12), (13, 9)]


def seen(shape, share, seed=0):
    """A cycle for one image, in double precision, and what is unknown there: not all, unless SHARE is 1."""
    unknown = torch.from_numpy(np.random.default_rng(seed).random((1, 1, *shape)) < share)
    unknown[..., -1, 2 % shape[1]] &= share == 1
    cycle = multigrid.Cycle(torch.zeros(1, 2, *shape, dtype=torch.float64))
    cycle.see(unknown)
    return cycle, unknown.flatten().numpy()


def columns(act, given, found):
    """The matrix of ACT, which turns the nodes of the first channel of GIVEN into those of FOUND, (to, from)."""
    (into, field), (outof, answer) = given, found
    result = []
    for node in torch.eye(into.rows * into.columns, dtype=torch.float64):
        field.zero_()
        into.nodes(field)[:, 0] = node.view(into.rows, into.columns)
        act()
        result.append(outof.nodes(answer)[0, 0].flatten().clone())
    return torch.stack(result, 1).numpy()


def matrix(level):
    level.r.zero_()
    return -columns(level.residual, (level.plane, level.x), (level.plane, level.t))


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95, 1])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_coarse_grid_sees_what_its_hats_see_of_the_fine_one(shape, share):
    cycle, _ = seen(shape, share)
    for (fine, coarse), between in zip(pairwise(cycle.levels), cycle._between, strict=True):
        coarse.x.zero_()

        def spread(fine=fine, between=between):
            fine.x.zero_()
            between.prolong()

        hats = columns(spread, (coarse.plane, coarse.x), (fine.plane, fine.x))
        assert np.allclose(matrix(coarse), hats.T @ matrix(fine) @ hats)


@pytest.mark.parametrize("shape", SHAPES)
def test_hats_sum_to_one_within_the_image_before_they_are_cut(shape):
    cycle, _ = seen(shape, 1)
    for between in cycle._between:
        fine, coarse = between._fine, between._coarse
        fine.x.zero_()
        coarse.x.zero_()
        coarse.plane.nodes(coarse.x).fill_(0.25)
        between.prolong()
        assert torch.allclose(fine.plane.nodes(fine.x), torch.ones(1, dtype=torch.float64))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_cycle_is_symmetric_and_nearly_the_inverse(shape, share):
    cycle, unknown = seen(shape, share)
    level = cycle.levels[0]
    inverse = columns(cycle, (level.plane, level.r), (level.plane, level.x))[:, unknown]
    assert np.abs(inverse[~unknown]).max(initial=0) == 0
    inverse = inverse[unknown]
    assert np.allclose(inverse, inverse.T)
    level.r.zero_()
    root = np.linalg.cholesky(matrix(level)[np.ix_(unknown, unknown)])
    # A fixed step of it leaves at most 7 tenths of any error, and it overshoots none.
    values = np.linalg.eigvalsh(root.T @ inverse @ root)
    assert values.min() > 0.3
    assert values.max() < 1 + 1e-6


def test_box_is_the_sum_by_hand():
    plane = planes.Plane(3, 4)
    image = torch.arange(12.0).view(1, 1, 3, 4)
    found = torch.zeros(1, 1, plane.shape[0] * plane.shape[1])
    plane.near(found).copy_(planes.Box(plane, plane.embed(image))())
    padded = np.pad(image[0, 0].numpy(), 1)
    weights = np.outer([1, 2, 1], [1, 2, 1])
    expected = [
        [(padded[row : row + 3, column : column + 3] * weights).sum() for column in range(4)] for row in range(3)
    ]
    assert np.array_equal(plane.nodes(found)[0, 0], expected)
