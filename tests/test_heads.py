"""The last layer of a torchvision classifier: inputs dropped in training, biases or none, under its own name."""

import pytest
import torch
from torch import nn

from saliency_benchmark import attribution, compat, forwarding, networks, registry, weights
from saliency_benchmark.classifier import Classifier

torchvision_model = registry.load("models", "torchvision_model", {})
SHAPE = (3, 32, 48)


def built(name="resnet18", classes=4, seed=0, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return torchvision_model.build(SHAPE, classes, name=name, **options).eval()


def images(number=3):
    return torch.randn(number, *SHAPE, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    "name", ["resnet18", "densenet121", "mobilenet_v3_small", "regnet_y_400mf", "shufflenet_v2_x0_5"]
)
def test_names_and_logits_in_evaluation_are_those_of_the_plain_network(name):
    plain, other = built(name), built(name, dropout=0.2)
    assert plain.state_dict().keys() == other.state_dict().keys()
    networks.check(other, name, SHAPE, 4)
    other.load_state_dict(plain.state_dict())
    with torch.no_grad():
        assert torch.equal(plain(images()), other(images()))
    assert built(name, bias=False).state_dict().keys() ^ plain.state_dict().keys() == {
        next(reversed([path for path, module in plain.named_modules() if isinstance(module, nn.Linear)])) + ".bias"
    }


def test_a_share_of_the_inputs_is_dropped_in_training_and_the_rest_raised():
    head = torchvision_model.Head(nn.Linear(10000, 1), 0.2, False).train()
    nn.init.ones_(head.weight)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = head(torch.ones(50, 10000)) / 10000
    # A share of 0.8 stays, each worth 1 / 0.8.
    assert abs(found.mean() - 1) < 4 * (0.2 / 0.8 / 10000 / 50) ** 0.5
    assert found.std().item() == pytest.approx((0.2 / 0.8 / 10000) ** 0.5, rel=0.3)
    assert torch.equal(head.eval()(torch.ones(1, 10000)), torch.full((1, 1), 10000.0))


def test_pretrained_weights_of_other_classes_fit_a_head_without_biases(tmp_path):
    compat.torchvision()
    brought, network = built(classes=7, seed=1), built(dropout=0.2, bias=False)
    before = network.fc.weight.clone()
    torch.save(brought.state_dict(), tmp_path / "w.pt")
    weights.put(tmp_path / "w.pt", network, 4)
    assert torch.equal(network.fc.weight, before)
    assert torch.equal(network.conv1.weight, brought.conv1.weight)
    torch.save(built(seed=1).state_dict(), tmp_path / "same.pt")
    with pytest.raises(ValueError, match=r"the network has no fc\.bias"):
        weights.put(tmp_path / "same.pt", network, 4)


@pytest.mark.parametrize("method", ["cam", "gradient", "lrp_epsilon_plus", "guided_backprop"])
def test_methods_explain_it_as_the_plain_network(method):
    plain, other = built(), built(dropout=0.2)
    other.load_state_dict(plain.state_dict())
    attribute = registry.load("methods", method, {}).attribute
    maps = [
        attribution.maps_of(
            attribute, Classifier(network, torch.zeros(3), torch.ones(3), "layer4"), images(), torch.arange(3)
        )
        for network in (plain, other)
    ]
    assert torch.allclose(*maps, atol=1e-6)


def test_batch_norms_are_still_folded():
    network = built(dropout=0.2, bias=False)
    folded = forwarding.fastest(network, SHAPE)
    assert folded is not network
    assert forwarding.difference(folded, network, SHAPE) < 1e-5


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [("squeezenet1_1", {"dropout": 0.2}, "squeezenet1_1 has no linear layer"), ("resnet18", {"dropout": 1}, "below 1")],
)
def test_what_cannot_be_is_told(name, options, message):
    with pytest.raises(ValueError, match=message):
        built(name, **options)
