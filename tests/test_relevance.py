"""LRP rules by hand on one convolution, and their law: without biases relevance is conserved."""

import pytest
import torch
from torch import nn

from saliency_benchmark import registry

RULES = ["lrp_epsilon_plus", "lrp_epsilon_plus_flat", "lrp_epsilon_alpha2_beta1", "excitation_backprop"]


def attribute(name, model, images, targets):
    return registry.load("methods", name, {}).attribute(model, images, targets)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lrp_epsilon_plus", [1 / 3, 0, 2 / 3]),
        ("excitation_backprop", [1 / 3, 0, 2 / 3]),
        ("lrp_epsilon_alpha2_beta1", [2 / 3, -1, 4 / 3]),
        ("lrp_epsilon_plus_flat", [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_one_convolution_by_hand(name, expected):
    model = nn.Sequential(nn.Conv2d(1, 1, (1, 3), bias=False), nn.Flatten())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[[[1.0, -1.0, 2.0]]]]))
    found = attribute(name, model, torch.ones(1, 1, 1, 3), torch.tensor([0]))
    assert torch.allclose(found.flatten(), torch.tensor(expected), atol=1e-4)


def test_a_dense_layer_shares_by_signed_contribution_under_the_epsilon_rule():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, -1.0, 2.0]]))
    found = attribute("lrp_epsilon_plus", model, torch.ones(1, 1, 1, 3), torch.tensor([0]))
    assert torch.allclose(found.flatten(), torch.tensor([0.5, -0.5, 1.0]), atol=1e-4)


@pytest.mark.parametrize("name", RULES)
def test_without_biases_all_relevance_arrives(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Conv2d(2, 6, 3, bias=False), nn.ReLU(), nn.Conv2d(6, 6, 3, stride=2, bias=False), nn.ReLU()]
        model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(6 * 4 * 6, 4, bias=False)).eval()
        images = torch.rand(3, 2, 12, 15)
    found = attribute(name, model, images, torch.tensor([0, 1, 3]))
    assert torch.allclose(found.sum((1, 2, 3)), torch.ones(3), atol=1e-3)
