"""Maps after a filter: scipy's filters as oracle, each channel by itself, over any base."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from saliency_benchmark import attribution, config, design, registry
from saliency_benchmark.explaining import filters
from tests.test_config import TINY, changed

# Shapes of maps: with channels and without, not square, and smaller than the filter.
SHAPES = [(2, 3, 9, 14), (3, 12, 7), (1, 2, 2, 3)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.5])
def test_the_gaussian_filter_is_scipys_with_a_repeated_border(sigma, shape, draw):
    maps = draw(*shape)
    deviations = (*(0 for _ in shape[:-2]), sigma, sigma)
    expected = ndimage.gaussian_filter(maps.double().numpy(), deviations, mode="nearest")
    assert np.allclose(filters.gaussian(maps, sigma), expected, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("width", [1, 3, 5])
def test_the_maximum_filter_is_scipys(width, shape, draw):
    maps = draw(*shape) - 3  # all below zero: a border of zeros would show
    window = (*(1 for _ in shape[:-2]), width, width)
    assert np.array_equal(filters.maximum(maps, width), ndimage.maximum_filter(maps.numpy(), window))


@pytest.mark.parametrize("base", ["gradient", "grad_cam", "input_x_gradient", "random"])
def test_a_filtered_method_is_the_filter_of_its_base(base, classifier, inputs, targets):
    def maps(name, **options):
        attribute = registry.load("methods", name, {}).attribute
        return attribution.maps_of(attribute, classifier, inputs[:3], targets[:3], **options)

    single = maps(base)
    assert torch.equal(maps("gaussian_filtered", base=base), filters.gaussian(single, 1.0))
    assert torch.equal(maps("gaussian_filtered", base=base, sigma=2.0), filters.gaussian(single, 2.0))
    assert torch.equal(maps("maximum_filtered", base=base), filters.maximum(single, 3))
    assert torch.equal(maps("maximum_filtered", base=base, width=1), single)


def test_a_filter_of_no_width_is_refused(draw):
    with pytest.raises(ValueError, match="sigma 0; wanted: a positive"):
        filters.gaussian(draw(1, 1, 4, 4), 0)
    for width in (0, 2, -3):
        with pytest.raises(ValueError, match="odd"):
            filters.maximum(draw(1, 1, 4, 4), width)


def test_a_filtered_method_takes_a_base_and_stands_among_the_controls():
    blurred = {"file": "gaussian_filtered", "options": {"base": "guided_backprop"}}
    settings = config.complete(changed(methods=TINY["methods"] | {"blurred": blurred}))
    assert "blurred" in design.groups(settings, "fashion")["controls"]
    assert "blurred" not in design.groups(settings, "fashion")["all"]
    files = registry.files("methods", "blurred", blurred)
    assert [path.stem for path in files] == ["gaussian_filtered", "guided_backprop"]
