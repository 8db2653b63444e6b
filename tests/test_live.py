"""Explanations as functions of the weights: the registered map, and gradients equal to finite differences."""

import pytest
import torch
from torch import nn

from saliency_benchmark import accumulation, batching, calling, layers, localising, registry
from saliency_benchmark.explaining import live_relevance, relevance
from saliency_benchmark.explaining.relevance_rules import AlphaBeta, Epsilon, Gamma
from saliency_benchmark.explaining.zennit_rules import Zennit
from tests import small

METHODS = {
    "gradient": {},
    "input_x_gradient": {},
    "integrated_gradients": {"steps": 3},
    "smoothgrad": {"samples": 2},
    "grad_cam": {"relu": False},
    "lrp_epsilon_plus": {},
    "lrp_epsilon": {},
}
FAMILIES = ["cnn", "resnet", "densenet", "vit", "swin"]
TWICE = ("integrated_gradients", "smoothgrad", "lrp_epsilon", "input_x_gradient")
TARGETS = torch.tensor([0, 3])


def case(family):
    """A small network in float64 whose biases are not at the kink of a rule, and two images."""
    network, images = small.network(family).double(), small.images(family, 2).double()
    generator = torch.Generator().manual_seed(5)
    for values in network.parameters():
        values.data += 0.01 * torch.randn(values.shape, generator=generator, dtype=values.dtype)
    return network, images


def given(name, network, images):
    told = {"layer": layers.feature_layer(network, tuple(images.shape[1:]))}
    return {"given": told, "options": METHODS[name]}


def of(name, function, network, images):
    method = getattr(registry.load("methods", name, {}), function)
    return calling.call(method, network, images, TARGETS, **given(name, network, images))


def live(name, network, images):
    return sum(part() for part in of(name, "live", network, images))


def slopes(network, function, plain, generator):
    """For each parameter: the slope of FUNCTION in a random direction by its gradient, of PLAIN by differences."""
    parameters = [*network.parameters()]
    gradients = torch.autograd.grad(function(), parameters, allow_unused=True)
    network.requires_grad_(False)
    found = []
    for values, gradient in zip(parameters, gradients, strict=True):
        way = torch.randn(values.shape, generator=generator, dtype=values.dtype)
        way /= way.norm()
        ends = []
        for step in (STEP, -STEP):
            values += step * way
            ends.append(plain().item())
            values -= step * way
        told = 0.0 if gradient is None else (gradient * way).sum().item()
        found.append([told, (ends[0] - ends[1]) / (2 * STEP)])
    return torch.tensor(found)


STEP = 1e-8


@pytest.mark.parametrize("name", ["gradient", "input_x_gradient", "grad_cam", "lrp_epsilon_plus", "lrp_epsilon"])
@pytest.mark.parametrize("family", FAMILIES)
def test_in_one_pass_with_the_classification_gradients_are_the_sum_of_both(name, family):
    network, images = case(family)
    parameters = [*network.requires_grad_(True).parameters()]
    region = torch.rand(len(images), *images.shape[2:], generator=torch.Generator().manual_seed(1)) > 0.5
    losses = (
        lambda network: nn.functional.cross_entropy(network(images), TARGETS),
        lambda maps: 3 * localising.loss(maps, region).mean(),
    )
    calls = []
    (part,) = of(name, "live", network, images)
    network.register_forward_hook(lambda *_: calls.append(None))
    more, maps = accumulation.slopes([part], losses[1], parameters)
    alone, calls[:] = len(calls), []
    found, value, same = accumulation.in_one_pass(part, *losses, network, parameters)
    assert len(calls) <= alone
    assert torch.equal(same, maps)
    wanted = losses[0](network)
    assert torch.allclose(value, wanted, rtol=1e-12)
    wanted = accumulation.added(list(torch.autograd.grad(wanted, parameters, allow_unused=True)), more)
    for one, other in zip(found, wanted, strict=True):
        assert torch.allclose(one, other, rtol=1e-8, atol=1e-12 * float(other.abs().max()))


# What is made of parts that others try is tried on two families.
@pytest.mark.parametrize(
    ("name", "family"),
    [(name, family) for name in METHODS for family in FAMILIES if name not in TWICE or family in ("cnn", "vit")],
)
def test_the_gradient_by_every_weight_is_that_of_finite_differences_of_the_registered_map(name, family):
    network, images = case(family)
    generator = torch.Generator().manual_seed(3)
    weights = torch.randn(live(name, network, images).shape, generator=generator, dtype=torch.float64)
    found = slopes(
        network,
        lambda: (live(name, network, images) * weights).sum(),
        lambda: (of(name, "attribute", network, images) * weights).sum(),
        generator,
    )
    scale = found.abs().amax()
    assert scale > 0
    assert (found[:, 0] - found[:, 1]).abs().max() < 1e-4 * scale


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("name", METHODS)
def test_the_map_is_that_of_the_registered_method(family, name):
    network, images = case(family)
    network.requires_grad_(False)
    wanted = of(name, "attribute", network, images)
    found = live(name, network.requires_grad_(True), images)
    assert (found - wanted).abs().max() < 1e-5 * wanted.abs().max()


@pytest.mark.parametrize("rule", [AlphaBeta(), Gamma()])
def test_other_rules_have_gradients_too(rule):
    network, images = case("resnet")
    composite, generator = relevance.Composite(rule, Epsilon()), torch.Generator().manual_seed(3)

    def total(propagate):
        return lambda: propagate(network, images, TARGETS, composite)[:, :, ::2].sum()

    found = slopes(network, total(live_relevance.propagate), total(relevance.propagate), generator)
    assert (found[:, 0] - found[:, 1]).abs().max() < 1e-4 * found.abs().amax()
    assert torch.allclose(
        live_relevance.propagate(network, images, TARGETS, composite),
        relevance.propagate(network.requires_grad_(False), images, TARGETS, composite),
    )


def test_a_rule_without_a_gradient_is_refused():
    network, images = case("cnn")
    flat = Zennit("Flat")
    with pytest.raises(ValueError, match="no gradient of Zennit by the weights; there are epsilon"):
        live_relevance.propagate(network, images, TARGETS, relevance.Composite(flat, flat))


@pytest.mark.parametrize("name", ["integrated_gradients", "smoothgrad"])
def test_parts_sum_to_the_whole(name):
    network, images = case("cnn")
    whole = live(name, network, images)
    with batching.limited(2):
        assert len(of(name, "live", network, images)) == sum(METHODS[name].values())
        assert torch.allclose(live(name, network, images), whole)


def test_the_last_layers_weight_counts_in_full():
    """The slope by the last layer's weight, where rules with detached weights give next to nothing."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)).double()
    images = torch.rand(1, 1, 2, 2, dtype=torch.float64) + 0.5
    composite = relevance.Composite(Epsilon(0), Epsilon(0))
    found = live_relevance.propagate(network, images, torch.tensor([1]), composite).flatten()
    # By hand: with epsilon 0, relevance is input times gradient over the output.
    first, last = network[1], network[3]
    x = images.flatten()
    hidden = (first.weight @ x + first.bias).relu()
    logit = last.weight[1] @ hidden + last.bias[1]
    wanted = x * ((last.weight[1] * (hidden > 0)) @ first.weight) / logit
    assert torch.allclose(found, wanted)
    weights = torch.arange(4.0, dtype=torch.float64)
    pair = [torch.autograd.grad((each * weights).sum(), last.weight, retain_graph=True)[0] for each in (found, wanted)]
    assert torch.allclose(*pair)
    assert pair[0].norm() > 1e-3
