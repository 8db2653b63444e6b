"""The alignment loss by hand, and that an image's own region is all it is compared with."""

import pytest
import torch

from saliency_benchmark import localising


def test_the_loss_is_the_squared_distance_of_the_scaled_positive_relevance_to_the_region():
    # Positive relevance, mean over two channels: [[0, 1], [2, 4]]; scaled: [[0, 1/4], [1/2, 1]].
    maps = torch.tensor([[[[-3.0, 2], [4, 3]], [[-1, -7], [-2, 5]]]], dtype=torch.float64)
    region = torch.tensor([[[True, False], [False, True]]])
    near = (1 + 1 / 16 + 1 / 4 + 0) / 4
    assert localising.loss(maps, region).item() == pytest.approx(near, abs=1e-6)
    assert localising.loss(maps, region, misaligned=True).item() == pytest.approx(
        (0 + 9 / 16 + 1 / 4 + 1) / 4, abs=1e-6
    )


def test_a_map_without_channels_is_one_channel():
    maps = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    regions = maps > 0.5
    assert torch.equal(localising.loss(maps, regions), localising.loss(maps[:, None], regions))


def test_the_least_relevance_is_taken_off_before_scaling():
    maps = torch.tensor([[[2.0, 3.0]]], dtype=torch.float64)
    assert localising.loss(maps, torch.tensor([[[False, True]]])).item() == pytest.approx(0, abs=1e-11)


def test_a_perfect_map_has_no_loss_and_its_opposite_all_of_it():
    region = torch.rand(2, 4, 4, generator=torch.Generator().manual_seed(0)) > 0.5
    assert localising.loss(region.double(), region).max() < 1e-11
    assert localising.loss(region.double(), region, misaligned=True).min() > 1 - 1e-5


def test_a_map_is_compared_with_its_own_region_whatever_else_is_in_the_batch():
    """A release of this loss broadcast every map against every mask of the batch, and scaled by the batch's range."""
    generator = torch.Generator().manual_seed(0)
    maps, regions = torch.randn(4, 3, 5, 6, generator=generator), torch.rand(4, 5, 6, generator=generator) > 0.7
    alone = torch.cat([localising.loss(maps[[place]], regions[[place]]) for place in range(4)])
    assert torch.equal(localising.loss(maps, regions), alone)
    others = torch.cat([regions[:1], regions[1:].logical_not()])
    assert localising.loss(maps * torch.tensor([1.0, 9, 99, 999])[:, None, None, None], others)[0] == alone[0]


def test_a_map_without_positive_relevance_is_told_and_its_loss_is_the_share_it_should_have_marked():
    maps = torch.stack([-torch.ones(2, 4, 4), torch.ones(2, 4, 4)])
    maps[1, :, 0, 0] = 2
    region = torch.zeros(2, 4, 4, dtype=torch.bool)
    region[:, 0, :3] = True
    assert localising.without_relevance(maps).tolist() == [True, False]
    assert localising.loss(maps, region)[0] == 3 / 16
    assert localising.loss(maps, region, misaligned=True)[0] == 13 / 16
