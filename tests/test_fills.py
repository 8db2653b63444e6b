"""What stands where a pixel was removed."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from saliency_benchmark import fills

BLACK = torch.tensor([-1.5, -0.5])


@pytest.mark.parametrize("name", fills.FILLS)
def test_a_fill_has_the_images_shape_and_is_each_images_own(name, draw):
    images = draw(3, 2, 12, 17)
    filled = fills.fill(name, images, BLACK)
    assert filled.shape == images.shape
    alone = torch.cat([fills.fill(name, image[None], BLACK) for image in images])
    assert torch.allclose(filled, alone, atol=1e-6)


def test_one_colour_by_hand():
    images = torch.tensor([[[[1.0, 3.0]], [[0.0, -4.0]]]])
    assert torch.equal(fills.fill("mean", images, BLACK), torch.zeros(1, 2, 1, 2))
    assert torch.equal(fills.fill("black", images, BLACK), torch.tensor([[[[-1.5, -1.5]], [[-0.5, -0.5]]]]))
    assert torch.equal(fills.fill("image_mean", images, BLACK), torch.tensor([[[[2.0, 2.0]], [[-2.0, -2.0]]]]))


def test_black_is_what_a_black_image_looks_like_to_the_network(classifier):
    black = classifier.normalise(np.zeros((1, 3, 2, 2), np.uint8))
    assert torch.allclose(fills.fill("black", black, classifier.black()), black, atol=1e-6)


@pytest.mark.parametrize(("shape", "width"), [((4, 7), 9), ((28, 40), 9), ((50, 9), 11), ((60, 9), 13), ((224, 9), 45)])
def test_blur_is_scipys_box_filter_of_a_fifth_of_the_height_made_odd_with_zeros_around(shape, width, draw):
    images = draw(2, 1, *shape)
    expected = ndimage.uniform_filter(images.double().numpy(), (0, 0, width, width), mode="constant")
    assert np.allclose(fills.blur(images), expected, atol=1e-5)


def test_an_unknown_fill_is_told_the_known_ones(draw):
    with pytest.raises(ValueError, match="no fill 'grey'; there are: mean, black, image_mean, blur"):
        fills.fill("grey", draw(1, 1, 2, 2), BLACK)
