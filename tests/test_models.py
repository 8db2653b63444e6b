"""Architectures: where the last feature map is, torchvision's classifiers, and methods on their residual blocks."""

import pytest
import torch
from torch import nn

from saliency_benchmark import cams, layers, registry

torchvision_model = registry.load("models", "torchvision_model", {})


def built(name, shape=(3, 32, 48), classes=4, **options):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torchvision_model.build(shape, classes, name=name, **options).eval()


@pytest.mark.parametrize(
    ("name", "layer", "options"),
    [
        ("resnet18", "layer4", {}),
        ("vgg11_bn", "features", {}),
        ("densenet121", "features", {}),
        ("mobilenet_v2", "features", {}),
        ("squeezenet1_1", "classifier.2", {}),
        ("efficientnet_b0", "features", {}),
    ],
)
def test_a_classifier_of_torchvision_gives_logits_and_its_last_feature_map_is_found(name, layer, options):
    network = built(name, (3, 64, 96), **options)
    with torch.no_grad():
        assert network(torch.zeros(2, 3, 64, 96)).shape == (2, 4)
    assert layers.feature_layer(network, (3, 64, 96)) == layer


def test_the_first_convolution_takes_as_many_channels_as_the_images_have():
    with torch.no_grad():
        assert built("resnet18", (1, 32, 32))(torch.zeros(2, 1, 32, 32)).shape == (2, 4)


def test_an_unknown_name_is_answered_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no classifier 'resnet19' \(did you mean 'resnet18'\?\); it has: .*vgg11"):
        built("resnet19")


def test_a_module_that_is_called_twice_is_no_feature_layer():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = nn.Sequential(nn.Conv2d(1, 2, 3))
            self.relu = nn.ReLU()
            self.head = nn.Linear(2, 2)

        def forward(self, images):
            return self.head(self.relu(self.relu(self.block(images))).mean((2, 3)))

    assert layers.feature_layer(Twice(), (1, 8, 8)) == "block"


def test_what_is_read_at_the_feature_layer_is_what_the_head_sees():
    network, images = built("resnet18"), torch.randn(2, 3, 32, 48)
    features, gradient = cams.read(network, images, torch.tensor([0, 3]), "layer4")
    with torch.no_grad():
        assert torch.allclose(network.fc(features.mean((2, 3))), network(images), atol=1e-5)
    expected = network.fc.weight[[0, 3]][:, :, None, None].expand_as(gradient) / features[0, 0].numel()
    assert torch.allclose(gradient, expected, atol=1e-6)


@pytest.mark.parametrize("name", ["lrp_epsilon_plus", "lrp_epsilon_plus_flat"])
def test_residual_sums_conserve_relevance(name):
    """Without biases: batch norm without shift, and none in the last layer."""
    network = built("resnet18")
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.zeros_(module.bias)
            nn.init.zeros_(module.running_mean)
    nn.init.zeros_(network.fc.bias)
    images, targets = torch.randn(3, 3, 32, 48, generator=torch.Generator().manual_seed(1)), torch.tensor([0, 1, 2])
    relevance = registry.load("methods", name, {}).attribute(network, images, targets)
    assert torch.allclose(relevance.sum((1, 2, 3)), torch.ones(3), atol=0.02)
