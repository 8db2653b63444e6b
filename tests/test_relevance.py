"""LRP: rules by hand, zennit's maps, conservation without biases, relevance through attention equation by equation."""

import pytest
import torch
from captum.attr import LRP
from torch import nn
from torch.nn import functional

from saliency_benchmark import compat, gradients, registry, resizing
from saliency_benchmark.explaining import relevance
from saliency_benchmark.explaining.relevance_rules import AlphaBeta, Epsilon, Gamma, Plus
from saliency_benchmark.explaining.zennit_rules import Zennit
from tests import small

RULES = ["lrp_epsilon", "lrp_epsilon_plus", "lrp_epsilon_plus_flat", "lrp_epsilon_alpha2_beta1", "excitation_backprop"]
BOX = {"low": -3.0, "high": 3.0}
COMPOSITES = {
    "EpsilonPlus": relevance.Composite(Plus(), Epsilon()),
    "EpsilonPlusFlat": relevance.Composite(Plus(), Epsilon(), Zennit("Flat")),
    "EpsilonAlpha2Beta1": relevance.Composite(AlphaBeta(), Epsilon()),
    "ExcitationBackprop": relevance.Composite(Plus(), Plus()),
    "EpsilonGammaBox": relevance.Composite(Gamma(), Epsilon(), Zennit("ZBox", tuple(BOX.items()))),
}
TARGETS = torch.tensor([0, 1, 3])


def attribute(name, model, images, targets, **options):
    return registry.load("methods", name, {}).attribute(model, images, targets, **options)


def exact(family, epsilon=None):
    """A small network in float64; EPSILON: that of its batch norms."""
    network = small.network(family).double().requires_grad_(False)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and epsilon is not None:
            module.eps = epsilon
    return network, small.images(family).double()


def without_biases(network):
    for name, values in [*network.named_parameters(), *network.named_buffers()]:
        if name.endswith(("bias", "running_mean", "class_token", "pos_embedding")):
            nn.init.zeros_(values)
    return network


def by_zennit(network, images, name, family, **options):
    compat.torchvision()
    from zennit import attribution, canonizers, composites, torchvision

    names = {"resnet": torchvision.ResNetCanonizer, "vgg": torchvision.VGGCanonizer}
    canonizer = names.get(family, canonizers.SequentialMergeBatchNorm)()
    rules = getattr(composites, name)(canonizers=[canonizer], **options)
    with attribution.Gradient(network, rules) as attributor:
        return attributor(images.clone(), lambda output: torch.zeros_like(output).scatter_(1, TARGETS[:, None], 1))[1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lrp_epsilon", [0.5, -0.5, 1.0]),
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


def test_the_box_rule_shares_by_the_distance_from_the_end_of_the_box_that_the_weight_points_to():
    """Weights 1, -1, 2 on ones in a box from -1 to 3: 1 - (-1), -1 - (-3), 2 - (-2), of 8."""
    model = nn.Sequential(nn.Conv2d(1, 1, (1, 3), bias=False), nn.Flatten())
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[[[1.0, -1.0, 2.0]]]]))
    box = {"black": torch.tensor([-1.0]), "white": torch.tensor([3.0])}
    found = attribute("lrp_epsilon_gamma_box", model, torch.ones(1, 1, 1, 3), torch.tensor([0]), **box)
    assert torch.allclose(found.flatten(), torch.tensor([2.0, 2.0, 4.0]) / 8, atol=1e-5)


def test_a_dense_layer_shares_by_signed_contribution_under_the_epsilon_rule():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 1, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0, -1.0, 2.0]]))
    found = attribute("lrp_epsilon_plus", model, torch.ones(1, 1, 1, 3), torch.tensor([0]))
    assert torch.allclose(found.flatten(), torch.tensor([0.5, -0.5, 1.0]), atol=1e-4)


@pytest.mark.parametrize("name", COMPOSITES)
@pytest.mark.parametrize("family", ["cnn", "vgg", "resnet"])
def test_the_map_is_zennits(family, name):
    """Batch norms without epsilon: zennit leaves theirs behind (below). 1e-8 of the map's largest value."""
    network, images = exact(family, epsilon=0.0)
    found = relevance.propagate(network, images, TARGETS, COMPOSITES[name])
    expected = by_zennit(network, images, name, family, **(BOX if name == "EpsilonGammaBox" else {}))
    assert (found - expected).abs().max() <= 1e-8 * expected.abs().max()


def test_merging_batch_norm_changes_the_network_where_zennit_does_it_and_not_here():
    compat.torchvision()
    from zennit import canonizers, composites

    network, images = exact("cnn")
    plain = network(images)
    with composites.EpsilonPlus(canonizers=[canonizers.SequentialMergeBatchNorm()]).context(network) as changed:
        assert (changed(images) - plain).abs().max() > 1e-6
    assert relevance.unsuited(network, small.SHAPES["cnn"]) is None


def test_zennit_without_its_canonizer_doubles_relevance_at_each_residual_sum_and_ours_needs_none():
    network, images = exact("resnet", epsilon=0.0)
    network = without_biases(network)
    doubled = by_zennit(network, images, "EpsilonPlus", "cnn").sum((1, 2, 3))
    assert torch.allclose(doubled, torch.full((3,), 4.0).double(), atol=0.05)  # two blocks
    ours = attribute("lrp_epsilon_plus", network, images, TARGETS).sum((1, 2, 3))
    assert torch.allclose(ours, doubled / 4, atol=0.02)


def test_densenets_stop_zennit_and_conserve_relevance_here():
    network, images = exact("densenet")
    with pytest.raises((AttributeError, RuntimeError, TypeError)):
        by_zennit(network, images, "EpsilonPlus", "vgg")
    found = attribute("lrp_epsilon_plus", without_biases(exact("densenet")[0]), images, TARGETS)
    assert torch.allclose(found.sum((1, 2, 3)), torch.ones(3).double(), atol=1e-4)


def test_captums_lrp_explodes_on_residual_networks():
    network, images = exact("resnet")
    outputs = network(images).gather(1, TARGETS[:, None])[:, 0]
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.inplace = False
    found = LRP(network).attribute(images.requires_grad_(True), TARGETS).sum((1, 2, 3))
    assert (found / outputs).abs().max() > 1e3


@pytest.mark.parametrize("name", ["EpsilonPlus", "EpsilonPlusFlat", "ExcitationBackprop", "EpsilonGammaBox"])
@pytest.mark.parametrize("family", ["cnn", "resnet", "vgg", "densenet"])
def test_without_biases_all_relevance_arrives_and_times_the_output_it_is_the_output(family, name):
    network, images = exact(family)
    found = relevance.propagate(without_biases(network), images, TARGETS, COMPOSITES[name]).sum((1, 2, 3))
    outputs = gradients.chosen(network(images), TARGETS)
    assert torch.allclose(found, relevance.total(network, images, TARGETS).double(), atol=5e-3)
    assert torch.allclose(found * outputs, outputs, rtol=5e-3)


@pytest.mark.parametrize("family", ["cnn", "resnet", "vgg", "densenet"])
def test_the_epsilon_rule_is_input_times_gradient_over_the_output_in_relu_networks(family):
    """Ancona et al., 2018, proposition 1."""
    network, images = exact(family)
    found = attribute("lrp_epsilon", network, images, TARGETS, epsilon=1e-12)
    outputs = gradients.chosen(network(images), TARGETS)[:, None, None, None]
    product = images * gradients.gradient(network, images, TARGETS)
    assert (found * outputs - product).abs().max() <= 1e-3 * product.abs().max()


class Written(nn.Module):
    """The small CNN in functional calls, one ReLU for all, and a residual sum in place."""

    def __init__(self, network, inplace):
        super().__init__()
        self.network, self.relu, self.inplace = network, nn.ReLU(inplace), inplace

    def forward(self, images):
        for block in (self.network.block1, self.network.block2, self.network.block3):
            values = self.relu(block[1](block[0](images)))
            if values.shape == images.shape:
                values += images
            images = values
        return functional.linear(images.mean((2, 3)), self.network.classify.weight, self.network.classify.bias)


@pytest.mark.parametrize("name", RULES)
def test_functional_reused_and_in_place_calls_are_seen_as_modules_are(name):
    network, images = exact("cnn")
    expected = attribute(name, network, images, TARGETS)
    for inplace in (False, True):
        found = attribute(name, Written(network, inplace).eval(), images, TARGETS)
        assert (found - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_a_network_that_changes_tensors_behind_the_rules_is_refused():
    class Hidden(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(4, 3)

        def forward(self, images):
            values = self.layer(images.flatten(1))
            values.relu_()
            return values

    torch.manual_seed(0)  # some value is negative
    assert "in place" in relevance.unsuited(Hidden().requires_grad_(False), (1, 2, 2))


def test_a_gate_takes_no_relevance():
    class Gated(nn.Module):
        def forward(self, images):
            values = images.flatten(1)
            return values * torch.sigmoid(values.mean(1, keepdim=True))

    images = torch.tensor([[[[1.0, 2.0, 3.0]]]])
    found = relevance.propagate(Gated(), images, torch.tensor([1]), COMPOSITES["EpsilonPlus"])
    assert torch.allclose(found.flatten(), torch.tensor([0.0, 1.0, 0.0]), atol=1e-6)


@pytest.mark.parametrize("function", [functional.gelu, functional.silu, functional.hardswish, functional.relu6])
def test_smooth_activations_pass_relevance_on(function):
    class Smooth(nn.Module):
        def forward(self, images):
            return function(images.flatten(1)).sum(1, keepdim=True)

    images = torch.tensor([[[[-1.0, 2.0, 9.0, 0.0]]]])
    values = function(images.flatten())
    found = relevance.propagate(Smooth(), images, torch.tensor([0]), COMPOSITES["EpsilonPlus"])
    assert torch.allclose(found.flatten(), values / values.sum(), atol=1e-5)


class Naive:
    """Relevance itself, from the logit of a one-block transformer back to its tokens, by the equations of AttnLRP."""

    def __init__(self, width=6, heads=2, classes=3):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.norm = nn.LayerNorm(width, 1e-6).double()
            self.attention = nn.MultiheadAttention(width, heads, batch_first=True).double()
            self.head = nn.Linear(width, classes).double()
            nn.init.normal_(self.attention.in_proj_bias), nn.init.normal_(self.norm.bias)
        self.heads = heads

    def network(self):
        naive = self

        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.norm, self.attention, self.head = naive.norm, naive.attention, naive.head

            def forward(self, images):
                tokens = images[:, 0]
                normal = self.norm(tokens)
                tokens = tokens + self.attention(normal, normal, normal, need_weights=False)[0]
                return self.head(functional.gelu(tokens).mean(1))

        return Block().eval().requires_grad_(False)

    def relevance(self, tokens, target, constant=False):
        width, count = tokens.shape[1], len(tokens)
        centred = tokens - tokens.mean(1, keepdim=True)
        scaled = centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt() * self.norm.weight
        normal = scaled + self.norm.bias
        weights, biases = self.attention.in_proj_weight.split(width), self.attention.in_proj_bias.split(width)
        parts = [normal @ weight.T + bias for weight, bias in zip(weights, biases, strict=True)]
        query, key, value = (part.reshape(count, self.heads, -1).transpose(0, 1) for part in parts)
        scores = query @ key.transpose(1, 2) / query.shape[2] ** 0.5
        attended = scores.softmax(2)
        mixed = attended @ value
        joined = mixed.transpose(0, 1).reshape(count, width)
        out = joined @ self.attention.out_proj.weight.T + self.attention.out_proj.bias
        summed = tokens + out
        active = functional.gelu(summed)
        mean = active.mean(0)
        logit = (mean @ self.head.weight.T + self.head.bias)[target]

        found = mean * self.head.weight[target] / logit  # epsilon rule
        found = active / count / mean * found  # average
        at_tokens, at_out = tokens / summed * found, out / summed * found  # GELU passes on, the sum shares
        joint = joined * ((at_out / out) @ self.attention.out_proj.weight)
        joint = joint.reshape(count, self.heads, -1).transpose(0, 1) / mixed
        if constant:
            at_query = at_key = torch.zeros_like(query)
            at_value = value * (attended.transpose(1, 2) @ joint)
        else:
            at_value = value * (attended.transpose(1, 2) @ joint) / 2
            at_weights = attended * (joint @ value.transpose(1, 2)) / 2
            at_scores = scores * (at_weights - attended * at_weights.sum(2, keepdim=True))
            share = at_scores / scores / query.shape[2] ** 0.5 / 2
            at_query, at_key = query * (share @ key), key * (share.transpose(1, 2) @ query)
        at_normal = torch.zeros_like(normal)
        for part, weight, at in zip(parts, weights, (at_query, at_key, at_value), strict=True):
            at_normal += normal * ((at.transpose(0, 1).reshape(count, width) / part) @ weight)
        at_centred = scaled / normal * at_normal
        share = at_centred / centred
        return at_tokens + tokens * (share - share.mean(1, keepdim=True))


@pytest.mark.parametrize("attention", ["shared", "constant"])
def test_relevance_through_attention_is_the_papers_equation_by_equation(attention):
    naive, images = Naive(), torch.randn(2, 1, 5, 6, generator=torch.Generator().manual_seed(2)).double()
    options = {"convolution_gamma": 0.0, "dense_gamma": 0.0, "attention": attention, "epsilon": 1e-10}
    found = attribute("attn_lrp", naive.network(), images, torch.tensor([1, 2]), **options)
    with torch.no_grad():
        expected = [naive.relevance(images[n, 0], n + 1, attention == "constant") for n in (0, 1)]
    for one, other in zip(found[:, 0], expected, strict=True):
        assert (one - other).abs().max() <= 2e-5 * other.abs().max()


@pytest.mark.parametrize("family", ["vit", "swin"])
def test_attention_that_is_a_constant_conserves_relevance_without_biases_and_positions(family):
    network, images = exact(family)
    options = {"convolution_gamma": 0.0, "dense_gamma": 0.0, "attention": "constant"}
    found = attribute("attn_lrp", without_biases(network), images, TARGETS, **options)
    assert torch.allclose(found.sum((1, 2, 3)), torch.ones(3).double(), atol=1e-2)


@pytest.mark.parametrize("name", ["lrp_epsilon_plus_flat", "lrp_epsilon_gamma_box"])
def test_a_rule_for_the_first_layer_reaches_the_image_behind_a_resize(name):
    network = without_biases(exact("cnn")[0])
    images = torch.rand(3, 3, 16, 24, generator=torch.Generator().manual_seed(0)).double()
    box = {"black": torch.zeros(3).double(), "white": torch.ones(3).double()} if "box" in name else {}
    found = attribute(name, resizing.Resized(network, (32, 48)), images, TARGETS, **box)
    assert found.shape == images.shape
    assert torch.allclose(found.sum((1, 2, 3)), torch.ones(3).double(), atol=5e-3)
