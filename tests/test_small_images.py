"""Cheaper convolutions over small images are convolutions."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import small_images
from saliency_benchmark.fusing import Fused

PRODUCTS = [
    ((2, 2), {"kernel_size": 3, "padding": 1}),
    ((1, 1), {"kernel_size": 3, "padding": 1, "bias": False}),
    ((1, 4), {"kernel_size": (3, 5), "padding": (1, 2), "stride": (1, 2)}),
    ((2, 1), {"kernel_size": 3, "padding": (3, 2), "dilation": 2}),
]


def layer(inputs, outputs, **how):
    torch.manual_seed(0)
    return nn.Conv2d(inputs, outputs, **how)


def given(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def gap(convolution, images, relu=False):
    """Largest difference of `Fused` from the convolution in float64; only where it has the form for these images."""
    fused = Fused(convolution, relu, images.shape)
    found = fused(images.contiguous(memory_format=torch.channels_last))
    wanted = convolution.double()(images.double())
    convolution.float()
    assert found.shape == wanted.shape
    return (found - (wanted.relu() if relu else wanted)).abs().max()


@torch.no_grad()
def one_by_one(convolution, images):
    """CONVOLUTION with a padding of 1, its products added in one order on every processor: libraries' differ."""
    taken, weight = functional.unfold(images, 3, padding=1), convolution.weight.flatten(1)
    total = torch.zeros(len(images), len(weight), taken.shape[2])
    for tap in range(weight.shape[1]):
        total += weight[:, tap, None] * taken[:, tap, None]
    total = total.view(len(images), len(weight), *images.shape[2:])
    return total if convolution.bias is None else total + convolution.bias[:, None, None]


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(("size", "how"), PRODUCTS)
def test_a_kernel_larger_than_its_image_is_a_product_without_the_padding(size, how, relu):
    convolution, images = layer(6, 5, **how), given(7, 6, *size)
    assert isinstance(small_images.form(convolution, images.shape), small_images.Product)
    assert gap(convolution, images, relu) < 1e-6


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("size", [(4, 4), (8, 8), (7, 7), (8, 3), (4, 16)])
def test_squares_of_four_by_four_outputs_are_the_convolution_to_rounding(size, relu):
    convolution, images = layer(128, 130, kernel_size=3, padding=1, bias=relu), given(3, 128, *size)
    assert isinstance(small_images.form(convolution, images.shape), small_images.Winograd)
    plain = (one_by_one(convolution, images) - convolution.double()(images.double())).abs().max()
    assert gap(convolution.float(), images, relu) < 10 * plain


@pytest.mark.parametrize(("channels", "size"), [(128, 8), (256, 4), (512, 4)])
def test_the_rounding_of_squares_is_less_than_four_times_that_of_adding_one_by_one(channels, size):
    convolution, images = (
        layer(channels, channels, kernel_size=3, padding=1, bias=False),
        given(4, channels, size, size),
    )
    form, plain = small_images.form(convolution, images.shape), one_by_one(convolution, images)
    wanted = convolution.double()(images.double())
    ours = form(images.contiguous(memory_format=torch.channels_last)).permute(0, 3, 1, 2)
    assert (ours - wanted).square().mean().sqrt() < 4 * (plain - wanted).square().mean().sqrt()


@pytest.mark.parametrize(("outputs", "taps"), [(2, 3), (4, 3), (3, 4), (5, 2)])
def test_sliding_sums_by_points_are_sliding_sums(outputs, taps):
    points = small_images.POINTS[: outputs + taps - 2]
    first, second, third = small_images._toom_cook(points, outputs, taps)
    kernel, values = given(taps).double(), given(outputs + taps - 1).double()
    wanted = torch.stack([(values[place : place + taps] * kernel).sum() for place in range(outputs)])
    assert torch.allclose(first @ ((second @ kernel) * (third @ values)), wanted, rtol=1e-12)


def test_a_form_is_for_its_own_size_of_image():
    convolution = layer(3, 4, kernel_size=3, padding=1)
    fused, larger = Fused(convolution, False, (1, 3, 2, 2)), given(2, 3, 5, 4)
    assert torch.allclose(fused(larger), convolution(larger), atol=1e-6)


@pytest.mark.parametrize(("channels", "size", "how"), [
    (6, (3, 3), {}),  # as many places as the kernel has
    (6, (2, 2), {"groups": 3}),
    (128, (4, 4), {"groups": 2}),
    (128, (4, 4), {"stride": 2}),
    (127, (4, 4), {}),
    (128, (5, 5), {}),  # 64 outputs for 25
    (128, (12, 8), {}),
    (1100, (2, 2), {}),  # a matrix of 4400 x 4400
])  # fmt: skip
def test_where_nothing_is_gained_there_is_no_other_form(channels, size, how):
    outputs = channels if channels != 127 else 128
    convolution = nn.Conv2d(channels, outputs, 3, padding=1, **how)
    assert small_images.form(convolution, (1, channels, *size)) is None
