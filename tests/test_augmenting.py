"""Mirrored and cropped training images: those of torchvision, after masking, by chance that the seed alone decides."""

import numpy as np
import pytest
import torch

from saliency_benchmark import augmenting, compat, noise

compat.torchvision()
from torchvision.transforms import functional  # noqa: E402


@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("crop", [0, 1, 3])
def test_images_are_those_that_torchvision_pads_cuts_and_mirrors(flip, crop, draw):
    inputs = draw(20, 3, 6, 9)
    chance = augmenting.draw(20, flip, crop, noise.generator("chance"))
    found = augmenting.augment(inputs, chance, flip, crop)
    for image, (coin, row, column), shown in zip(inputs, chance.tolist(), found, strict=True):
        expected = functional.crop(functional.pad(image, crop, fill=0), row, column, 6, 9)
        assert torch.equal(shown, functional.hflip(expected) if coin else expected)
    assert found.shape == inputs.shape


def test_every_corner_and_side_of_the_coin_comes_equally_often():
    number, crop = 6000, 2
    chance = augmenting.draw(number, True, crop, noise.generator("chance")).numpy()
    share = np.bincount(chance @ [25, 5, 1], minlength=50) / number
    assert len(share) == 50
    assert abs(share - 1 / 50).max() < 4.5 * (1 / 50 / number) ** 0.5


def test_neither_draws_nor_changes_anything_where_nothing_is_asked_for(draw):
    generator = noise.generator("chance")
    before = generator.get_state()
    chance = augmenting.draw(5, False, 0, generator)
    assert torch.equal(generator.get_state(), before)
    assert augmenting.augment(draw(5, 1, 2, 2), chance, False, 0) is not None
    assert torch.equal(augmenting.augment(draw(5, 1, 2, 2), chance, False, 0), draw(5, 1, 2, 2))


def test_the_layout_in_memory_stays_that_of_the_input(draw):
    inputs = draw(4, 3, 6, 9).contiguous(memory_format=torch.channels_last)
    for flip, crop in ((True, 0), (False, 2), (True, 2)):
        chance = augmenting.draw(4, flip, crop, noise.generator("chance"))
        shown = augmenting.augment(inputs, chance, flip, crop)
        assert shown.is_contiguous(memory_format=torch.channels_last)
