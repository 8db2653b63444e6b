"""Shifts of images, each by a closed form."""

import numpy as np
import pytest

from saliency_benchmark import calling, registry
from saliency_benchmark.shifts import background_swap, blur, contrast, noise, occlusion


def rngs(number, seed=0):
    return [np.random.default_rng((seed, image)) for image in range(number)]


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(0).integers(0, 256, (3, 2, 10, 14), dtype=np.uint8)


@pytest.mark.parametrize("name", registry.names("shifts"))
def test_a_shift_gives_bytes_of_the_same_shape_the_same_twice_and_leaves_the_images(name, pictures):
    regions = np.zeros((3, 10, 14), bool)
    regions[:, 2:6, 3:9] = True
    before = pictures.copy()
    change = registry.load("shifts", name, {}).shift
    found = [calling.call(change, pictures, given={"rngs": rngs(3), "regions": regions}, options={}) for _ in range(2)]
    assert found[0].dtype == np.uint8
    assert found[0].shape == pictures.shape
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(pictures, before)
    assert not np.array_equal(found[0], pictures)


def test_blur_spreads_a_point_as_the_gaussian_does_and_keeps_a_constant():
    point = np.zeros((1, 1, 31, 31), np.uint8)
    point[0, 0, 15, 15] = 255
    weights = np.exp(-(np.arange(-4, 5) ** 2) / 2)
    weights /= weights.sum()
    wanted = (255 * np.outer(weights, weights)).round()
    assert np.array_equal(blur.shift(point, deviation=1.0)[0, 0, 11:20, 11:20], wanted)
    constant = np.full((1, 2, 9, 9), 77, np.uint8)
    assert np.array_equal(blur.shift(constant, deviation=3.0), constant)


def test_noise_is_what_the_generators_draw(pictures):
    drawn = np.stack([rng.standard_normal(pictures.shape[1:]) for rng in rngs(3)])
    wanted = np.clip(np.round(pictures + 25.5 * drawn), 0, 255)
    assert np.array_equal(noise.shift(pictures, rngs=rngs(3), deviation=0.1), wanted)
    assert np.array_equal(noise.shift(pictures, rngs=rngs(3), deviation=0.0), pictures)


def test_contrast_is_a_line_through_the_mean():
    image = np.array([[[[0, 100], [100, 200]]]], np.uint8)
    assert contrast.shift(image, factor=0.5).tolist() == [[[[50, 100], [100, 150]]]]
    assert contrast.shift(image, factor=0.0).tolist() == [[[[100, 100], [100, 100]]]]
    assert contrast.shift(image, factor=2.0).tolist() == [[[[0, 100], [100, 255]]]]


def test_occlusion_hides_a_rectangle_of_its_share_and_nothing_else(pictures):
    found = occlusion.shift(pictures, rngs=rngs(3), side=0.5)
    mean = pictures.mean((2, 3)).round()
    for image, other, colour in zip(pictures, found, mean, strict=True):
        hidden = (other == colour[:, None, None]).all(0) & (image != other).any(0)
        rows, columns = np.nonzero(hidden)
        assert rows.max() - rows.min() < 5
        assert columns.max() - columns.min() < 7
        inside = np.s_[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert (other[inside] == colour[:, None, None]).all()
    places = {tuple(np.argwhere(a != b)[0]) for a, b in zip(pictures, found, strict=True)}
    assert len(places) == 3
    assert np.array_equal(occlusion.shift(pictures, rngs=rngs(3), side=1.0)[0, 0], np.full((10, 14), mean[0, 0]))


def test_the_background_is_the_next_images_and_the_region_ones_own():
    images = np.array([[[[1, 1, 1]]], [[[2, 4, 9]]]], np.uint8)
    regions = np.array([[[True, False, False]], [[False, False, True]]])
    # The second's background: 2, 4, and their mean 3 where its region lies.
    assert background_swap.shift(images, regions=regions).tolist() == [[[[1, 4, 3]]], [[[1, 1, 9]]]]
    alone = background_swap.shift(images, regions=np.zeros_like(regions))
    assert np.array_equal(alone, images)
