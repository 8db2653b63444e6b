"""Our maps and the libraries', in single precision as they are used: rounding alone may move a ReLU's gate.

Rank correlation at least .999 for each map, and nine maps of ten within 1e-3 of the largest value.
"""

import pytest
import torch
from captum import attr
from scipy import stats
from torch import nn

from saliency_benchmark import batching, compat, registry
from tests import small

IMAGES = 12


def by_captum(kind, **options):
    return lambda network, images, targets: kind(network).attribute(images.clone(), target=targets, **options)


def by_zennit(network, images, targets):
    compat.torchvision()
    from zennit import attribution, canonizers, composites, torchvision

    canonizer = torchvision.ResNetCanonizer() if "layer1" in dict(network.named_children()) else None
    rules = composites.EpsilonPlus(canonizers=[canonizer or canonizers.SequentialMergeBatchNorm()])
    with attribution.Gradient(network, rules) as attributor:
        return attributor(images.clone(), lambda output: torch.zeros_like(output).scatter_(1, targets[:, None], 1))[1]


PEERS = {
    "gradient": (by_captum(attr.Saliency, abs=False), {}),
    "input_x_gradient": (by_captum(attr.InputXGradient), {}),
    "integrated_gradients": (by_captum(attr.IntegratedGradients, n_steps=16), {"steps": 16}),
    "guided_backprop": (by_captum(attr.GuidedBackprop), {}),
    "deconvnet": (by_captum(attr.Deconvolution), {}),
    "lrp_epsilon_plus": (by_zennit, {}),
}


@pytest.mark.filterwarnings("ignore:Setting backward hooks")
@pytest.mark.filterwarnings("ignore:Input Tensor .* did not already require gradients")
@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("family", ["cnn", "resnet", "vgg"])
def test_maps_are_the_librarys_but_for_rounding(family, name):
    network, images = small.network(family), small.images(family, IMAGES)
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False  # captum's hooks do not bear it
    targets, (peer, options) = network(images).argmax(1), PEERS[name]
    last = images.contiguous(memory_format=torch.channels_last)
    fast = small.network(family).requires_grad_(False).to(memory_format=torch.channels_last)
    with batching.limited(IMAGES):
        ours = registry.load("methods", name, {}).attribute(fast, last, targets, **options).flatten(1)
    theirs = peer(network, images, targets).detach().flatten(1)
    ranks = [stats.spearmanr(*pair).statistic for pair in zip(ours, theirs, strict=True)]
    assert min(ranks) >= 0.999
    off = (ours - theirs).abs().amax(1) / theirs.abs().amax(1)
    assert (off < 1e-3).float().mean() >= 0.9
