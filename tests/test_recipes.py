"""FP, AP and FL: what passes through the network, with which weight, and what does not."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import attack, calling, fills, fitting, grid, losses, noise, perturbing, registry, training
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.models import small_cnn

composed = registry.load("recipes", "composed", {})
SUBSETS = [(), ("fp",), ("ap",), ("fl",), ("fp", "ap"), ("fp", "fl"), ("ap", "fl"), ("fp", "ap", "fl")]
LABELS = torch.arange(6) % 4


class Noted(nn.Module):
    """A network that notes what passes through it, in which mode, and whether a graph is kept."""

    def __init__(self, network):
        super().__init__()
        self.network, self.passes = network, []

    def forward(self, images):
        self.passes.append((images.detach().clone(), self.training, torch.is_grad_enabled()))
        return self.network(images)

    def learned(self):
        """What passed in training mode."""
        return [images for images, training, _ in self.passes if training]


@pytest.fixture
def model():
    """model(): a classifier in training mode that notes its passes; the same each time."""

    def make():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = Noted(small_cnn.build((3, 16, 24), 4, width=4)).train()
        made = Classifier(network, torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.25, 0.2, 0.3]), "network.block3.2")
        perturbing.layers.layout(network, made.layer, torch.zeros(1, 3, 16, 24))
        network.passes.clear()
        return made

    return make


@pytest.fixture
def inputs(model):
    return model().normalise(torch.randint(256, (6, 3, 16, 24), generator=noise.generator("pixels")).byte())


@pytest.fixture
def taken(model, inputs):
    """taken(**options): the loss of a composed recipe, its gradients, and the classifier afterwards."""

    def take(seed=0, **options):
        made = model()
        value = composed.loss(made.network, inputs, LABELS, generator=noise.generator(seed), classifier=made, **options)
        return value.detach(), torch.autograd.grad(value, list(made.network.parameters())), made

    return take


def same(one, other):
    return all(torch.allclose(first, second, atol=1e-6) for first, second in zip(one, other, strict=True))


@pytest.mark.parametrize("parts", SUBSETS, ids="+".join)
def test_the_weights_of_every_subset_are_those_of_the_table(parts):
    found = composed.weights_of(parts)
    table = {
        frozenset(): [1, 0, 0, 0],
        frozenset({"fp"}): [1, 1, 0, 0],
        frozenset({"ap"}): [0, 0, 1, 0],
        frozenset({"fp", "ap"}): [0, 0, 1, 1],
    }
    assert list(found) == ["clean", "masked", "adversarial", "adversarial_masked"]
    assert list(found.values()) == table[frozenset(parts) - {"fl"}]


@pytest.mark.parametrize("parts", SUBSETS, ids="+".join)
def test_every_subset_is_the_sum_of_its_terms_over_what_passes_in_training_mode(parts, taken, inputs, model):
    value, gradients, made = taken(parts=parts)
    shown = made.network.learned()
    measure = losses.named("adaptive_focal" if "fl" in parts else "cross_entropy")
    if {"fp", "ap"} <= {*parts}:
        # The clean images pass for their features, and weigh nothing.
        assert torch.equal(shown[0], inputs)
        shown = shown[1:]
    assert len(shown) == 1 + ("fp" in parts)
    assert torch.equal(shown[0], inputs) == ("ap" not in parts)
    twin = model()
    if {"fp", "ap"} <= {*parts}:
        with torch.no_grad():
            twin.network(inputs)
    expected = sum(measure(twin.network(images), LABELS) for images in shown)
    assert torch.allclose(value, expected.detach())
    assert same(gradients, torch.autograd.grad(expected, list(twin.network.parameters())))


def test_nothing_of_the_table_is_the_baseline_and_fp_is_the_recipe_of_that_name(taken, inputs, model):
    assert torch.equal(taken()[0], functional.cross_entropy(model().network(inputs), LABELS))
    made = model()
    recipe = fitting.recipe("faithfulness_perturbation", {"options": {}})
    given = {"generator": noise.generator(0), "classifier": made}
    assert torch.equal(
        calling.call(recipe, made.network, inputs, LABELS, given=given, options={}), taken(parts=["fp"])[0]
    )


def test_what_is_masked_is_what_the_features_of_the_clean_images_say(taken, inputs, model):
    shown = taken(parts=["fp"])[2].network.learned()
    made = model()
    with perturbing.features_of(made.network, made.layer, inputs) as features:
        made.network(inputs)
    assert torch.equal(shown[1], perturbing.draw(inputs, features[0].detach(), noise.generator(0)))


def test_adversarial_images_are_those_of_the_attack_on_the_network_as_it_is(taken, inputs, model):
    ball = {"radius": 3 / 255, "step": 1 / 255, "steps": 2, "random_start": False}
    shown = taken(parts=["ap"], **ball)[2].network.learned()
    expected = attack.pgd(model(), inputs, LABELS, noise.generator(0), **ball)
    assert torch.equal(shown[0], expected)
    masked, both = (taken(parts=parts, **ball)[2].network.learned() for parts in (["fp"], ["fp", "ap"]))
    made = model()
    made.network(inputs)  # batch norm has seen the clean images by then
    assert torch.allclose(both[1], attack.pgd(made, inputs, LABELS, noise.generator(9), **ball), atol=1e-6)
    expected = attack.pgd(made, masked[1], LABELS, noise.generator(9), **ball)
    assert torch.allclose(both[2], expected, atol=1e-6)


@pytest.mark.parametrize("b", [0, 0.25, 0.5, 1])
def test_interpolation_leads_from_twice_the_baseline_to_fp(b, taken):
    clean, masked = taken()[0], taken(parts=["fp"])[0] - taken()[0]
    value, gradients, made = taken(parts=["fp"], interpolation=b)
    assert torch.allclose(value, (2 - b) * clean + b * masked)
    if b == 0:
        assert torch.equal(value, 2 * clean)
        assert same(gradients, [2 * each for each in taken()[1]])
        assert len(made.network.passes) == 1
    if b == 1:
        assert torch.equal(value, taken(parts=["fp"])[0])


def test_with_ap_the_interpolation_is_between_the_adversarial_terms():
    found = composed.weights_of(["fp", "ap"], 0.25)
    assert found == {"clean": 0, "masked": 0, "adversarial": 1.75, "adversarial_masked": 0.25}


def test_loss_and_gradient_are_linear_in_the_weights_also_where_an_attack_comes_between(taken):
    """The attack freezes the weights while the clean term's graph waits for its backward pass."""
    alone = {"clean": 1.0, "masked": 0.0, "adversarial": 0.0, "adversarial_masked": 0.0}
    still = {"parts": ["fp"], "pass_masked": True, "random_start": False}
    clean = taken(**still, weights=alone)
    attacked = taken(**still, weights={**alone, "clean": 0.0, "adversarial_masked": 1.0})
    both = taken(**still, weights={**alone, "clean": 0.5, "adversarial_masked": 2.0})
    assert torch.allclose(both[0], 0.5 * clean[0] + 2 * attacked[0])
    assert same(both[1], [0.5 * one + 2 * other for one, other in zip(clean[1], attacked[1], strict=True)])


def test_the_authors_batch_norm_sees_masked_images_that_weigh_nothing(taken):
    plain, seen = taken(), taken(pass_masked=True)
    assert torch.equal(plain[0], seen[0])
    assert same(plain[1], seen[1])
    norms = [made.network.network.block1[1] for *_, made in (plain, seen, taken(parts=["fp"]))]
    assert [int(norm.num_batches_tracked) for norm in norms] == [1, 2, 2]
    assert torch.equal(norms[1].running_mean, norms[2].running_mean)
    assert not torch.equal(norms[0].running_mean, norms[1].running_mean)


@pytest.mark.parametrize("source", perturbing.SOURCES)
@pytest.mark.parametrize("fill", fills.FILLS)
def test_one_source_alone_perturbs_every_image_its_own_way(source, fill, inputs, model):
    black, maps = model().black(), torch.rand(6, 2, 3, generator=noise.generator("maps"))
    filled = fills.fill(fill, inputs, black)
    found = perturbing.perturb(inputs, maps, noise.generator(0), sources=[source], filled=filled)
    soft = grid.smooth(maps.flatten(1), (16, 24), (2, 3))
    if source in ("ad", "add"):
        keep = soft if source == "ad" else 1 - soft
        assert torch.allclose(found, inputs * keep + filled * (1 - keep), atol=1e-6)
        return
    instead = filled if source == "dauc" else fills.blur(inputs)
    for image, kept, other, cells in zip(found, inputs, instead, maps.flatten(1), strict=True):
        order = cells.argsort(descending=True)
        members = [torch.isin(torch.arange(6), order[:k]).float()[None] for k in range(6)]
        tops = [grid.spread(member, (16, 24), (2, 3))[0] for member in members]
        fits = [torch.where((top > 0) == (source == "iauc"), kept, other) for top in tops]
        assert sum(torch.allclose(image, fit, atol=1e-6) for fit in fits) == 1


def test_no_cell_chosen_leaves_the_image_for_dauc_and_the_blurred_one_for_iauc(inputs):
    one = torch.zeros(6, 1, 1)  # of one cell, k can only be 0
    gone, come = (perturbing.perturb(inputs, one, noise.generator(0), sources=[name]) for name in ("dauc", "iauc"))
    assert torch.equal(gone, inputs)
    assert torch.equal(come, fills.blur(inputs))


def test_sources_are_drawn_alike_in_whatever_order_they_are_named(inputs):
    maps = torch.rand(6, 2, 3, generator=noise.generator("maps"))
    drawn = [
        perturbing.perturb(inputs, maps, noise.generator(0), sources=names)
        for names in (["ad", "dauc"], ["dauc", "ad"])
    ]
    assert torch.equal(*drawn)
    for names in ([], ["ad", "ad"], ["ad", "road"]):
        with pytest.raises(ValueError, match="wanted: some of dauc, iauc, ad, add, each once"):
            perturbing.perturb(inputs, maps, noise.generator(0), sources=names)


@pytest.mark.parametrize(
    ("name", "options"),
    [("grad_cam", {}), ("smoothgrad", {"samples": 2}), ("guided_backprop", {}), ("rise", {"masks": 20}),
     ("feature_permutation", {"cell": 8, "samples": 2})],
)  # fmt: skip
def test_a_method_explains_the_weights_of_now_and_leaves_training_as_it_was(name, options, taken, inputs, model):
    """Its maps of the predicted classes, on the feature map's cells, say what is masked; batch norm sees no more."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        before = torch.get_rng_state()
        value, gradients, made = taken(parts=["fp"], saliency=name, saliency_options=options)
        assert torch.equal(torch.get_rng_state(), before)
    network = made.network
    assert all(module.training for module in network.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())
    assert int(network.network.block1[1].num_batches_tracked) == 2  # clean and masked
    twin = model()
    maps = composed._explained(twin, inputs, name, options)
    assert maps.shape == (6, 4, 6)
    shown = network.learned()
    assert torch.equal(shown[1], perturbing.perturb(inputs, maps, noise.generator(0)))
    expected = sum(functional.cross_entropy(twin.network(images), LABELS) for images in shown)
    assert torch.allclose(value, expected.detach())
    assert same(gradients, torch.autograd.grad(expected, list(twin.network.parameters())))


def test_the_map_of_the_predicted_class_is_the_methods_own_pooled_to_cells(inputs, model):
    made = model()
    found = composed._explained(made, inputs, "gradient", {})
    made.network.eval()
    leaf = inputs.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(made.network(leaf).amax(1).sum(), leaf)
    assert torch.allclose(found.flatten(1), grid.pool(gradient.sum(1), (4, 6)), atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"parts": ["ap"], "interpolation": 0.5}, "with fp among the parts"),
        ({"parts": ["fp"], "interpolation": 1.5}, "a number in"),
        ({"parts": ["fp"], "interpolation": 0.5, "weights": {"clean": 1}}, "without weights"),
        ({"weights": {"clear": 1}}, "no images called clear; weights are of: clean, masked"),
        ({"weights": {"clean": 0}}, "wanted: none below 0, one above"),
        ({"weights": {"masked": -1}}, "wanted: none below 0, one above"),
        ({"parts": ["fl"], "criterion": "focal"}, "keep one of them"),
        ({"criterion": "hinge"}, "no loss 'hinge'"),
    ],
)
def test_options_that_contradict_each_other_are_told(options, message, taken):
    with pytest.raises(ValueError, match=message):
        taken(**options)


def test_the_choices_that_are_told_are_those_that_there_are():
    assert composed.CHOICES["sources"] == perturbing.SOURCES
    assert composed.CHOICES["fill"] == fills.FILLS
    assert all(losses.named(name) for name in composed.CHOICES["criterion"])
    with pytest.raises(ValueError, match=f"there are: {', '.join(composed.CHOICES['criterion'])}$"):
        losses.named("")


def test_the_code_of_the_method_that_explains_decides_the_training_too():
    entry = {"file": "composed", "options": {"saliency": "smoothgrad", "saliency_options": {"base": "grad_cam"}}}
    assert [path.stem for path in registry.files("recipes", "x", entry)] == ["composed", "smoothgrad", "grad_cam"]
    assert [path.stem for path in registry.files("recipes", "x", {"file": "composed", "options": {}})] == ["composed"]


def bright(number, seed):
    """Noise; in class 1 the left half is brighter."""
    rng, label = np.random.default_rng(seed), np.arange(number, dtype=np.int32) % 2
    data = rng.integers(0, 120, (number, 1, 12, 16), dtype=np.uint8)
    data[label == 1, :, :, :8] += 130
    return data, label


@pytest.mark.parametrize("parts", SUBSETS, ids="+".join)
def test_every_subset_learns(parts, settings):
    data, labels = bright(128, 0)
    told = fitting.description({"options": {"width": 4}}, "small_cnn", data, labels)
    recipe = fitting.recipe("x", {"file": "composed", "options": {"parts": list(parts)}})
    source, _ = fitting.fit(data, labels, told, recipe, 0, settings | {"epochs": 4})
    assert training.accuracy(fitting.source_of(source.classifier, *bright(200, 1))) == 1
