"""The fastest form of a forward pass gives the network's own logits, and leaves the network as it is."""

import pytest
import small
import torch
from torch import nn

from saliency_benchmark import forwarding, fusing
from saliency_benchmark.fusing import Fused

SHAPE = (3, 32, 32)


def taught(build):
    """A network whose batch norms have statistics of their own."""
    torch.manual_seed(0)
    network = build()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.running_mean, module.weight.data, module.bias.data):
                values.copy_(torch.randn_like(values))
            module.running_var.uniform_(0.5, 2)
    return network.eval().requires_grad_(False)


def norms(network):
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]


@pytest.mark.parametrize("family", small.FAMILIES)
def test_every_family_gives_its_own_logits(family):
    network = small.network(family)
    assert forwarding.difference(forwarding.fastest(network, SHAPE), network, SHAPE) < 1e-5


@pytest.mark.parametrize("family", ["resnet", "vgg", "efficientnet"])
def test_no_batch_norm_is_left_behind_a_convolution(family):
    network = small.network(family)
    if norms(network):
        assert not norms(forwarding.fastest(network, SHAPE))


def test_the_network_keeps_its_batch_norms_and_weights():
    network = small.network("resnet")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    forwarding.fastest(network, SHAPE)
    assert norms(network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


class Odd(nn.Module):
    """Convolutions of every kind, ReLUs of every kind, and ones that may not be fused."""

    def __init__(self):
        super().__init__()
        self.strided = nn.Conv2d(3, 8, 3, stride=2, padding=(1, 2), bias=False)
        self.grouped = nn.Conv2d(8, 8, 3, groups=4, dilation=2)
        self.large = nn.Conv2d(8, 512, 9, padding=4)
        self.reflecting = nn.Conv2d(512, 4, 3, padding=1, padding_mode="reflect")
        self.same, self.relu = nn.Conv2d(4, 4, 3, padding="same"), nn.ReLU(inplace=True)
        self.twice = nn.Conv2d(4, 4, 1)

    def forward(self, images):
        values = self.relu(self.strided(images))
        values = torch.relu(self.grouped(values))
        values = nn.functional.relu(self.large(values), inplace=True)
        values = self.relu(self.same(self.reflecting(values)))
        values = self.relu(self.twice(values)) - self.twice(values.flip(2))  # its ReLU is that of one call alone
        return (self.twice(values) + values.clamp_min(0)).mean((2, 3))


@pytest.mark.parametrize("number", [1, 4, 7])
def test_fused_convolutions_give_the_networks_logits_for_any_number_of_images(number):
    network = taught(Odd)
    found = forwarding.fastest(network, SHAPE)
    assert sum(isinstance(module, Fused) for module in found.modules()) == 4
    images = torch.randn(number, *SHAPE, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(found(images), network(images), rtol=1e-4, atol=1e-5)


def test_fused_or_not_each_image_has_its_own_logits():
    found = forwarding.fastest(small.network("resnet"), SHAPE)
    images = torch.randn(5, *SHAPE, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(found(images)[3:], found(images[3:]), rtol=1e-4, atol=1e-5)


def test_without_the_operation_convolutions_stay_as_they_are(monkeypatch):
    monkeypatch.setattr(fusing, "Fused", None)
    network = small.network("resnet")
    found = forwarding.fastest(network, SHAPE)
    assert not norms(found)
    assert forwarding.difference(found, network, SHAPE) < 1e-5


class Shared(nn.Module):
    """One convolution under two batch norms, and one whose output is read twice: neither may be folded."""

    def __init__(self):
        super().__init__()
        self.layer, self.other = (nn.Conv2d(3, 4, 3, padding=1) for _ in range(2))
        self.first, self.second, self.third = (nn.BatchNorm2d(4) for _ in range(3))

    def forward(self, images):
        both = self.first(self.layer(images)) + self.second(self.layer(images.flip(3)))
        once = self.other(images)
        return (both + self.third(once) * once).mean((2, 3))


def test_a_convolution_that_others_read_too_is_not_folded():
    network = taught(Shared)
    found = forwarding.fastest(network, SHAPE)
    assert len(norms(found)) == 3
    assert forwarding.difference(found, network, SHAPE) < 1e-6


class Branching(nn.Module):
    """No graph can be traced through a branch that looks at the pixels."""

    def __init__(self):
        super().__init__()
        self.layer, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images):
        values = self.norm(self.layer(images)).mean((2, 3))
        return values if images.sum() > 0 else 2 * values


def test_a_network_that_cannot_be_followed_is_used_as_it_is():
    network = taught(Branching)
    assert forwarding.fastest(network, SHAPE) is network


@pytest.mark.parametrize("family", ["cnn", "resnet", "vit"])
def test_openvino_gives_the_logits_to_rounding(family):
    pytest.importorskip("openvino")
    network = small.network(family)
    forward = forwarding.fastest(network, SHAPE, "openvino")
    assert forwarding.difference(forward, network, SHAPE) < 1e-5
    few = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(forward(few)[1:2], forward(few[1:2]), atol=1e-4)


@pytest.mark.parametrize("family", ["cnn", "resnet"])
def test_bfloat16_gives_the_logits_but_for_its_three_digits(family):
    network = small.network(family)
    gap = forwarding.difference(forwarding.fastest(network, SHAPE, "bfloat16"), network, SHAPE)
    assert 1e-5 < gap < 2**-5


def test_a_form_that_gives_other_logits_is_refused(monkeypatch):
    network = small.network("cnn")
    monkeypatch.setattr(forwarding, "_coarse", lambda found: lambda images: found(images) * 1.1)
    with pytest.raises(ValueError, match=r"bfloat16 gives other logits than the network \(by 1.0e-01\): set scoring"):
        forwarding.fastest(network, SHAPE, "bfloat16")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_cuda_graphs_need_a_gpu():
    with pytest.raises(ValueError, match="needs a GPU, and there is none"):
        forwarding.fastest(small.network("cnn"), SHAPE, "cuda_graphs")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_graphs_give_the_logits_of_every_batch():
    network = small.network("resnet").cuda()
    forward = forwarding.fastest(network, SHAPE, "cuda_graphs")
    for number in (4, 2, 4, *range(5, 14)):
        images = torch.randn(number, *SHAPE, device="cuda")
        with torch.inference_mode():
            assert torch.allclose(forward(images), network(images), atol=1e-4)
