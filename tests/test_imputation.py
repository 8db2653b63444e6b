"""Removed pixels as means of their neighbours: dense systems, laws, pytorch-grad-cam, and masks hard to solve."""

import warnings

import numpy as np
import pytest
import torch

from saliency_benchmark import compat, imputation, multigrid

SHAPES = [(1, 1), (1, 7), (5, 1), (2, 9), (3, 3), (4, 6), (13, 18)]


def masks(kind, count, shape, seed=0):
    """Removed pixels, (image, 1, row, column): scattered, in lines, in patches, or shapes on which solvers stumble."""
    rng = np.random.default_rng(seed)
    row, column = np.indices(shape)
    noise = rng.normal(size=(count, *shape))
    made = {
        "few": noise > 1.3,
        "half": noise > 0,
        "most": noise > -1.3,
        "nearly all": noise > -2.5,
        "half plane": np.broadcast_to(row > shape[0] // 2, noise.shape),
        "all but one": np.broadcast_to((row != shape[0] // 3) | (column != shape[1] // 2), noise.shape),
        "chessboard": np.broadcast_to((row + column) % 2 == 0, noise.shape),
        "lonely pixels": np.broadcast_to((row % 4 == 1) & (column % 4 == 1), noise.shape),
        "lines": np.broadcast_to((row % 5 != 0) & (column % 7 != 0), noise.shape),
        "frame": np.broadcast_to((row == 0) | (column == 0) | (row == shape[0] - 1), noise.shape),
    }[kind]
    return torch.from_numpy(made.copy())[:, None]


KINDS = [
    "few",
    "half",
    "most",
    "nearly all",
    "half plane",
    "all but one",
    "chessboard",
    "lonely pixels",
    "lines",
    "frame",
]


def system(removed):
    """The weights of every pixel's neighbours, (pixel, pixel), rows of removed pixels summing to 0: loop by loop."""
    rows, columns = removed.shape
    matrix = np.eye(rows * columns)
    for row, column in np.argwhere(removed):
        near = [
            (row + down, column + right, 1 / 6 if down * right == 0 else 1 / 12)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            if (down, right) != (0, 0) and 0 <= row + down < rows and 0 <= column + right < columns
        ]
        for other, beside, weight in near:
            matrix[row * columns + column, other * columns + beside] = -weight / sum(each[2] for each in near)
    return matrix


def twin(image, removed):
    """One image (channel, row, column) by a dense solver in double precision."""
    if removed.all():
        return np.zeros(image.shape)
    known = np.where(removed, 0, image).reshape(len(image), -1).astype(float)
    return np.linalg.solve(system(removed), known.T).T.reshape(image.shape)


def residual(images, removed):
    """Largest share of the right side that is left over, one of images and channels."""
    found = []
    for image, gone in zip(images.double().numpy(), removed[:, 0].numpy(), strict=True):
        matrix, there = system(gone), gone.reshape(-1)
        known = np.where(gone, 0, image).reshape(len(image), -1).T
        left = (matrix @ image.reshape(len(image), -1).T)[there]
        found.append(np.linalg.norm(left, axis=0) / np.linalg.norm((matrix @ known)[there], axis=0))
    return np.max(found)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_removed_pixels_solve_the_dense_system_whatever_is_removed(kind, shape, draw):
    images, removed = draw(3, 3, *shape), masks(kind, 3, shape)
    found = imputation.linear(images, removed)
    for image, gone, solved in zip(images.numpy(), removed[:, 0].numpy(), found.numpy(), strict=True):
        assert np.allclose(solved, twin(image, gone), atol=3e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_left_over_is_a_millionth(kind, draw):
    images, removed = draw(2, 2, 33, 20).double(), masks(kind, 2, (33, 20))
    assert residual(imputation.linear(images, removed), removed) <= 1e-6


def test_weights_are_renormalised_at_the_border_by_hand():
    image = torch.tensor([[[[0.0, 6.0, 0.0], [2.0, 1.0, 0.0]]]])
    corner = torch.tensor([[[[True, False, False], [False, False, False]]]])
    # Right of it 6, below it 2, across the corner 1: (6/6 + 2/6 + 1/12) / (1/6 + 1/6 + 1/12).
    assert imputation.linear(image, corner)[0, 0, 0, 0] == pytest.approx(17 / 5)
    edge = torch.tensor([[[[False, True, False], [False, False, False]]]])
    # Beside it 0 and 0, below 1, across 2 and 0, over 1/6 + 1/6 + 1/6 + 1/12 + 1/12.
    assert imputation.linear(image, edge)[0, 0, 0, 1] == pytest.approx((1 / 6 + 2 / 12) / (8 / 12))


def test_two_removed_neighbours_by_hand():
    line = torch.tensor([[[[1.0, 0.0, 0.0, 7.0]]]])
    removed = torch.tensor([[[[False, True, True, False]]]])
    assert imputation.linear(line, removed).flatten().tolist() == pytest.approx([1, 3, 5, 7])


def test_a_linear_image_comes_back_away_from_the_border(draw):
    row, column = torch.meshgrid(torch.arange(30.0), torch.arange(41.0), indexing="ij")
    images = torch.stack([0.1 * row - 0.05 * column, 1 + 0.02 * column])[None].expand(4, 2, 30, 41)
    removed = draw(4, 1, 30, 41) > -1
    removed[:, :, 5:20, 9:30] = True
    removed[..., [0, -1], :] = removed[..., [0, -1]] = False
    assert torch.allclose(imputation.linear(images, removed), images, atol=3e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_removed_pixels_lie_between_the_known_ones(kind, draw):
    images, removed = draw(3, 1, 24, 17), masks(kind, 3, (24, 17))
    for image, gone, solved in zip(images[:, 0], removed[:, 0], imputation.linear(images, removed)[:, 0], strict=True):
        assert image[~gone].min() - 1e-5 < solved.min()
        assert solved.max() < image[~gone].max() + 1e-5


def test_known_pixels_stay_to_the_bit_and_without_removed_ones_nothing_changes(draw):
    images, removed = draw(3, 3, 12, 15), masks("half", 3, (12, 15))
    removed[1] = False
    found = imputation.impute(images, removed, range(3))
    assert torch.equal(torch.where(removed, 0, found), torch.where(removed, 0, images))
    assert torch.equal(found[1], images[1])


def test_an_image_of_which_nothing_is_known_is_the_mean_colour(draw):
    images, removed = draw(3, 3, 6, 5), torch.ones(3, 1, 6, 5, dtype=torch.bool)
    removed[1] = masks("half", 1, (6, 5))[0]
    found = imputation.linear(images, removed)
    assert found[[0, 2]].abs().max() == 0
    assert torch.equal(found[1:2], imputation.linear(images[1:2], removed[1:2]))


@pytest.mark.parametrize("together", [1, 1000, 2**20])
def test_an_image_is_imputed_alone_as_in_any_company(together, draw, monkeypatch):
    images = draw(7, 3, 20, 14).contiguous(memory_format=torch.channels_last)
    removed = torch.cat([masks(kind, 1, (20, 14)) for kind in KINDS[:7]])
    expected = imputation.impute(images, removed, range(10, 17))
    monkeypatch.setitem(imputation.TOGETHER, "cpu", together)
    assert torch.allclose(imputation.impute(images, removed, range(10, 17)), expected, atol=1e-6)
    shuffled = [4, 0, 6]
    found = imputation.impute(images[shuffled], removed[shuffled], [14, 10, 16])
    assert torch.allclose(found, expected[shuffled], atol=1e-6)


def test_elements_are_imputed_channel_by_channel(draw):
    images, removed = draw(2, 3, 9, 8), draw(2, 3, 9, 8, seed=1) > 0
    found = imputation.linear(images, removed)
    for channel in range(3):
        alone = imputation.linear(images[:, channel : channel + 1], removed[:, channel : channel + 1])
        assert torch.allclose(found[:, channel : channel + 1], alone, atol=1e-6)


def test_noise_falls_by_the_index_and_the_seed_and_not_by_what_is_removed(draw):
    images = draw(3, 2, 40, 50)
    some, most = masks("few", 3, (40, 50)), masks("most", 3, (40, 50))
    few, many = (imputation.impute(images, gone, [4, 5, 4]) - imputation.linear(images, gone) for gone in (some, most))
    assert torch.equal(few[~some.expand_as(few)], torch.zeros(int((~some).sum()) * 2))
    both = (some & most).expand_as(few)
    assert torch.allclose(few[both], many[both], atol=1e-6)
    drawn = imputation.draw(images, [4, 5, 4])
    assert torch.equal(drawn[0], drawn[2])
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], imputation.draw(images, [4], seed=1)[0])
    # 12000 numbers: their deviation is known to 1.3 % (two deviations), their mean to two hundredths of the deviation.
    assert drawn.std().item() == pytest.approx(0.01, rel=0.02)
    assert abs(drawn.mean().item()) < 2e-4
    assert torch.equal(imputation.impute(images, some, range(3), deviation=0), imputation.linear(images, some))


@pytest.mark.parametrize("kind", ["few", "half", "most", "lines", "frame"])
def test_equals_pytorch_grad_cam_before_noise(kind, draw):
    compat.torchvision()
    from pytorch_grad_cam.metrics.road import NoisyLinearImputer

    images, removed = draw(2, 3, 21, 32), masks(kind, 2, (21, 32))
    found = imputation.linear(images, removed)
    for image, gone, solved in zip(images, removed[:, 0], found, strict=True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it gives tensors to numpy, which says that it will not for ever
            theirs = NoisyLinearImputer(noise=0)(image, (~gone).float())
        assert torch.allclose(theirs, solved, atol=1e-5)


def test_equals_quantus_before_noise(draw):
    compat.torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from quantus.functions.perturb_func import noisy_linear_imputation

    images, removed = draw(2, 3, 13, 20).double(), masks("half", 2, (13, 20))
    for image, gone, solved in zip(images.numpy(), removed.numpy(), imputation.linear(images, removed), strict=True):
        theirs = noisy_linear_imputation(image, np.flatnonzero(gone), noise=0.0)
        assert np.allclose(theirs, solved, atol=3e-6)


def test_pytorch_grad_cam_removes_more_than_asked_for_on_ties():
    compat.torchvision()
    from pytorch_grad_cam.metrics.perturbation_confidence import RemoveMostRelevantFirst

    from saliency_benchmark import masking

    # Half of the pixels tie at 0, as in a map that was clipped there; 30 of 100 shall stay.
    saliency = torch.cat([torch.zeros(50), torch.arange(1.0, 51)]).view(10, 10)
    kept = []
    RemoveMostRelevantFirst(30, lambda image, mask: kept.append(int(mask.sum())))(torch.zeros(3, 10, 10), saliency)
    assert kept == [0]
    rank = masking.ranks(saliency.numpy()[None], np.array([0]))
    assert (~masking.removed(rank, 0.7, "remove")).sum() == 30


def test_as_many_cycles_solve_a_large_image_as_a_small_one(draw, monkeypatch):
    counted = []
    once = multigrid.Cycle.__call__
    monkeypatch.setattr(multigrid.Cycle, "__call__", lambda self: counted.append(1) or once(self))
    for side in (16, 32, 64, 128):
        for kind in ("half", "half plane", "all but one", "nearly all"):
            counted.clear()
            imputation.linear(draw(1, 1, side, side), masks(kind, 1, (side, side)))
            assert len(counted) <= 12, (side, kind)
