"""How alike two maps are, and how complex one is: against scipy, scikit-image and hand-made cases."""

import numpy as np
import pytest
import torch
from scipy import stats
from skimage import metrics as reference

from saliency_benchmark import distances, similarity


@pytest.fixture
def maps(draw):
    """Pairs of maps, the second half full of equal values."""
    smooth, coarse = draw(4, 9, 13).double(), (draw(4, 9, 13, seed=1) * 1.5).round().double()
    return torch.cat([smooth, coarse]), torch.cat([coarse, smooth + coarse])


def test_ranks_are_scipys_whatever_the_ties(maps):
    for values in maps:
        assert np.array_equal(similarity.ranks(values) + 1, stats.rankdata(values.flatten(1), axis=1))


def test_rank_correlation_is_scipys(maps):
    found = similarity.spearman(*maps)
    expected = [stats.spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(*maps, strict=True)]
    assert np.allclose(found, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("measure", [similarity.spearman, similarity.ssim])
def test_a_map_is_exactly_like_itself_and_like_any_scale_of_itself(measure, maps):
    assert measure(maps[0], maps[0]).tolist() == [1.0] * 8
    assert torch.allclose(measure(maps[0], 8 * maps[0]), torch.ones(8, dtype=torch.double), atol=1e-12)


def test_the_order_turned_round_correlates_by_minus_one():
    values = torch.arange(12.0).view(1, 3, 4)
    assert similarity.spearman(values, -values).tolist() == [-1.0]


@pytest.mark.parametrize("measure", [similarity.spearman, similarity.ssim])
def test_a_map_without_anything_or_with_no_number_is_like_nothing(measure, draw):
    some, broken = draw(3, 9, 13).double(), draw(3, 9, 13, seed=1).double()
    broken[0], broken[1, 2, 3] = 0, torch.nan
    assert measure(some, broken).isnan().tolist() == [True, True, False]
    assert measure(broken, some).isnan().tolist() == [True, True, False]


@pytest.mark.parametrize(("shape", "side"), [((9, 13), 7), ((7, 8), 7), ((6, 20), 5), ((3, 4), 3)])
def test_structural_similarity_is_scikit_images_on_maps_of_largest_magnitude_one(shape, side, draw):
    first, second = (draw(5, *shape, seed=seed).double() for seed in (0, 1))
    second = first.abs() + second
    pairs = ((a / abs(a).max(), b / abs(b).max()) for a, b in zip(first.numpy(), second.numpy(), strict=True))
    expected = [reference.structural_similarity(a, b, win_size=side, data_range=1) for a, b in pairs]
    assert np.allclose(similarity.ssim(first, second), expected, rtol=0, atol=1e-10)


def test_structural_similarity_needs_three_rows_and_columns(draw):
    assert similarity.ssim(draw(2, 2, 9).double(), draw(2, 2, 9).double()).isnan().all()


@pytest.mark.parametrize("bins", [1, 10, 100])
def test_entropy_is_that_of_numpys_histogram(bins, maps):
    expected = [stats.entropy(np.histogram(each, bins)[0]) for each in maps[0].numpy()]
    assert np.allclose(similarity.entropy(maps[0], bins), expected, atol=1e-12)


def test_entropy_by_hand():
    """Half of the pixels in one bin, a quarter in each of two others; all in one; no number."""
    maps = torch.tensor([[0.0, 0, 0.5, 1], [3, 3, 3, 3], [0, torch.nan, 1, 2]])[:, None]
    found = similarity.entropy(maps, 4)
    assert found[:2].tolist() == pytest.approx([1.5 * np.log(2), 0])
    assert found[2].isnan()


def test_channels_are_summed_before_the_sign_goes():
    maps = torch.tensor([[[[1.0, -2.0]], [[-3.0, 1.0]]]])
    assert similarity.per_pixel(maps).tolist() == [[[2.0, 1.0]]]
    assert similarity.per_pixel(maps, signed=True).tolist() == [[[-2.0, -1.0]]]


def test_relative_distance_by_hand():
    """3 -> 2 is a third; 0 -> 1 is divided by a tenth of the largest, 0.4; 4 -> 4 is nothing. All 0: no such thing."""
    before, after = torch.tensor([[3.0, 0, 4], [0, 0, 0]]), torch.tensor([[2.0, 1, 4], [0, 1, 0]])
    found = distances.relative(before, after, 0.1)
    assert found[0].item() == pytest.approx(np.hypot(1 / 3, 1 / 0.4))
    assert found[1].isnan()


def test_norms_are_numpys(draw):
    values = draw(3, 2, 4, 5)
    for order in (1, 2):
        expected = np.linalg.norm(values.flatten(1).numpy(), order, axis=1)
        assert np.allclose(distances.norm(values, order), expected)
