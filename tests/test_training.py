"""Training: the same seed gives the same bytes, the loss falls, and every step is what the settings say."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import calling, descent, fills, fitting, grid, masked, noise, perturbing, registry, training
from saliency_benchmark import classifier as classifiers
from saliency_benchmark.datasets import planted
from saliency_benchmark.models import small_cnn
from saliency_benchmark.training import Source

RECIPES = registry.names("recipes")


def recipe(name, **options):
    return fitting.recipe(name, {"options": options})


@pytest.fixture(scope="session")
def quick(training_images, settings):
    """quick(seed, recipe): weights after a few steps on a few images."""

    def fit(seed, loss, **more):
        data, labels = training_images["data"][:96], training_images["label"][:96]
        told = fitting.description({"options": {"width": 4}}, "small_cnn", data, labels)
        return fitting.fit(data, labels, told, loss, seed, settings | {"epochs": 2} | more)[0].classifier.network

    return fit


def stored(network):
    return b"".join(values.numpy().tobytes() for values in network.state_dict().values())


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("name", RECIPES)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(name, flip, quick):
    first, again, other = (stored(quick(seed, recipe(name), flip=flip)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_network_begins_as_its_seed_says_whatever_chance_has_done_elsewhere(training_images):
    told = fitting.description({"options": {}}, "small_cnn", training_images["data"], training_images["label"])

    def weights(seed):
        torch.rand(1)
        return stored(fitting.untrained(told, training_images["data"][:2], seed).network)

    with torch.random.fork_rng(devices=[]):
        assert weights(0) == weights(0) != weights(1)


def test_dropout_obeys_the_seed_too(settings, baseline):
    def weights():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(12, 2))
        model = classifiers.Classifier(network, torch.zeros(1), torch.ones(1), "1")
        images = torch.arange(96, dtype=torch.uint8).reshape(8, 1, 3, 4)
        training.train(Source(model, images, torch.arange(8) % 2), baseline, seed=0, **settings)
        return stored(network)

    assert weights() == weights()


def test_the_loss_falls_and_the_network_is_ready_for_use(fitted):
    source, curve = fitted
    assert curve[-1] < 0.7 * curve[0]
    assert curve[0] == pytest.approx(np.log(10), abs=0.3)
    assert not any(module.training for module in source.classifier.network.modules())
    assert not any(parameter.requires_grad for parameter in source.classifier.network.parameters())


def test_learns_the_planted_classes(classifier):
    fresh = planted.load("test", test=500, rows=28, columns=40, smallest=20, largest=26)
    accuracy = training.accuracy(fitting.source_of(classifier, fresh["data"], fresh["label"]))
    assert accuracy > 0.1 + 15 * (0.1 * 0.9 / 500) ** 0.5


def test_accuracy_is_the_share_of_right_answers(classifier, images, targets):
    source = fitting.source_of(classifier, images["data"], images["label"])
    assert training.accuracy(source) == (targets.numpy() == images["label"]).mean()
    assert torch.allclose(training.probabilities(source).sum(1), torch.ones(60))


def test_chance_elsewhere_is_left_alone(quick, baseline):
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    quick(0, baseline, flip=True)
    after = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    assert before == after


class One(nn.Module):
    """A network of one weight and one bias."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(1, 1)), nn.Parameter(torch.ones(1))

    def forward(self, images):
        return self.bias + self.weight[0] * images.mean((1, 2, 3))


BYTES = torch.arange(48, dtype=torch.uint8).reshape(12, 1, 2, 2)


def trained(loss, settings, **more):
    """The network One after training on BYTES, whose labels are their numbers; LOSS of the network and its batch."""
    model = classifiers.Classifier(One(), torch.zeros(1), torch.ones(1), "")
    still = {"momentum": 0.0, "weight_decay": 0.0, "warmup": 0.0, "batch_size": 12, "epochs": 1}

    def recipe(network, inputs, labels, *, generator, layer):
        return loss(network, inputs, labels) + 0 * (network.weight.sum() + network.bias.sum())

    training.train(Source(model, BYTES, torch.arange(12)), recipe, seed=0, **settings | still | more)
    return model.network


def test_the_rate_rises_in_a_line_and_falls_in_half_a_cosine(settings):
    seen = []

    def slope(network, *_):
        seen.append(network.bias.item())
        return network.bias.sum()

    last = trained(slope, settings, epochs=5, batch_size=6, warmup=0.2, learning_rate=0.5).bias.item()
    # Ten steps: two that rise towards the highest rate, which the third has, and seven that fall.
    by_hand = [1 / 3, 2 / 3, *(0.5 * (1 + np.cos(np.pi * step / 8)) for step in range(8))]
    assert np.allclose(-np.diff([*seen, last]), 0.5 * np.array(by_hand), atol=1e-6)


def test_without_warm_up_the_first_step_is_the_highest(settings):
    gone = [1 - trained(lambda network, *_: network.bias.sum(), settings, epochs=steps).bias.item() for steps in (1, 2)]
    assert gone == pytest.approx([0.1, 0.1 + 0.05])


def test_steps_are_nesterovs(settings):
    found = trained(lambda network, *_: (network.bias**2).sum() / 2, settings, epochs=6, momentum=0.9).bias.item()
    bias, velocity = 1.0, 0.0
    for step in range(6):
        velocity = 0.9 * velocity + bias
        bias -= 0.1 * descent.rate(step, 6, 0.0) * (bias + 0.9 * velocity)
    assert found == pytest.approx(bias, abs=1e-6)


def test_the_rate_may_stay_where_it_rose_to(settings):
    found = [descent.rate(step, 20, 0.2, "constant") for step in range(20)]
    assert found == [0.2, 0.4, 0.6, 0.8, *[1.0] * 16]
    gone = 1 - trained(lambda network, *_: network.bias.sum(), settings, epochs=5, schedule="constant").bias.item()
    assert gone == pytest.approx(5 * 0.1)


@pytest.mark.parametrize("milestones", [[2, 3], [1], [3, 5, 1]])
def test_at_milestones_the_rate_falls_as_torchs_multisteplr_has_it(milestones, settings):
    seen = []

    def slope(network, *_):
        seen.append(network.bias.item())
        return network.bias.sum()

    how = {"epochs": 6, "batch_size": 4, "schedule": "steps", "milestones": milestones, "factor": 0.5}
    last = trained(slope, settings, **how).bias.item()
    other = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    schedule, rates = torch.optim.lr_scheduler.MultiStepLR(other, sorted(milestones), gamma=0.5), []
    for _ in range(6):
        rates += [other.param_groups[0]["lr"]] * 3
        other.step()
        schedule.step()
    assert np.allclose(-np.diff([*seen, last]), rates, atol=1e-6)


def test_the_published_schedule_by_hand():
    """90 epochs of 10 steps: five epochs of warm-up, then a tenth at 30, 60 and 80."""
    found = [descent.rate(step, 900, 5 / 90, "steps", [300, 600, 800]) for step in range(900)]
    expected = [(step + 1) / 51 for step in range(50)] + [1] * 250 + [0.1] * 300 + [0.01] * 200 + [0.001] * 100
    assert np.allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("nesterov", [True, False])
def test_steps_are_those_of_torchs_own_sgd(nesterov, settings):
    """With decay too: it acts on the weight, and not on the bias."""

    def loss(network, inputs, labels):
        return ((network(inputs) - labels) ** 2).mean() / 100

    more = {"momentum": 0.9, "weight_decay": 0.5, "schedule": "constant", "nesterov": nesterov, "epochs": 6}
    found = trained(loss, settings, **more)
    other = One()
    groups = [{"params": [other.weight], "weight_decay": 0.5}, {"params": [other.bias], "weight_decay": 0.0}]
    theirs = torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=nesterov)
    for _ in range(6):
        theirs.zero_grad()
        loss(other, BYTES.float() / 255, torch.arange(12)).backward()
        theirs.step()
    assert found.weight.item() == pytest.approx(other.weight.item(), rel=1e-5)
    assert found.bias.item() == pytest.approx(other.bias.item(), rel=1e-5)


def test_steps_of_adamw_are_torchs_with_decay_for_weights_alone(settings):
    def loss(network, inputs, labels):
        return ((network(inputs) - labels) ** 2).mean()

    more = {"optimiser": "adamw", "weight_decay": 0.5, "schedule": "constant", "epochs": 6}
    found = trained(loss, settings, **more)
    other = One()
    groups = [{"params": [other.weight], "weight_decay": 0.5}, {"params": [other.bias], "weight_decay": 0.0}]
    theirs = torch.optim.AdamW(groups, lr=0.1)
    for _ in range(6):
        theirs.zero_grad()
        loss(other, BYTES.float() / 255, torch.arange(12)).backward()
        theirs.step()
    assert found.weight.item() == pytest.approx(other.weight.item(), rel=1e-5)
    assert found.bias.item() == pytest.approx(other.bias.item(), rel=1e-5)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_steps_of_a_convolution_are_torchs_whatever_the_layout_of_its_gradient(momentum, draw):
    """The gradient of channels-last images lies otherwise in memory than the weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        networks = [nn.Sequential(nn.Conv2d(3, 5, 3), nn.ReLU(), nn.Conv2d(5, 2, 3)) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    inputs = draw(4, 3, 7, 9).contiguous(memory_format=torch.channels_last)
    ours = descent.Descent(networks[0], momentum, 0.01)
    layouts = [each.stride() for each in torch.autograd.grad(networks[0](inputs).square().sum(), networks[0][0].weight)]
    assert layouts != [networks[0][0].weight.stride()]
    weights = [[each for each in networks[1].parameters() if (each.ndim > 1) == large] for large in (True, False)]
    groups = [{"params": weights[0], "weight_decay": 0.01}, {"params": weights[1], "weight_decay": 0.0}]
    theirs = torch.optim.SGD(groups, lr=1e-4, momentum=momentum, nesterov=momentum > 0)
    for _ in range(4):
        ours.step(networks[0](inputs).square().sum(), 1e-4)
        theirs.zero_grad()
        networks[1](inputs).square().sum().backward()
        theirs.step()
    for one, other in zip(*(each.parameters() for each in networks), strict=True):
        assert torch.allclose(one, other, rtol=1e-4, atol=1e-6)


def test_what_watches_is_asked_after_every_epoch_and_may_end_the_training(settings):
    asked = []

    def watch():
        asked.append(True)
        return len(asked) == 3

    shown = []
    trained(lambda *_: shown.append(True) or 0, settings, epochs=9, watch=watch)
    assert len(asked) == len(shown) == 3


def test_a_recipe_is_given_what_it_asks_for_by_name(settings):
    given = {}

    def recipe(network, inputs, labels, *, layer, classifier, generator, mine=3):
        given.update(layer=layer, classifier=classifier, generator=generator, mine=mine)
        return network(inputs).sum()

    model = classifiers.Classifier(One(), torch.zeros(1), torch.ones(1), "here")
    training.train(Source(model, BYTES, torch.arange(12)), recipe, seed=0, **settings | {"epochs": 1})
    assert given["layer"] == "here"
    assert given["classifier"] is model
    assert isinstance(given["generator"], torch.Generator)
    assert given["mine"] == 3


def test_decay_shrinks_weights_and_spares_biases(settings):
    left = trained(lambda *_: 0, settings, weight_decay=0.5)
    assert left.weight.item() == pytest.approx(1 - 0.1 * 0.5)
    assert left.bias.item() == 1


def test_a_weight_that_the_loss_does_not_see_stays_as_it_is(settings, baseline):
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    network[0].unused, network[0].frozen = nn.Parameter(torch.ones(2, 2)), nn.Parameter(torch.ones(3), False)
    model = classifiers.Classifier(network, torch.zeros(1), torch.ones(1), "")
    training.train(Source(model, BYTES, torch.arange(12) % 2), baseline, seed=0, **settings | {"weight_decay": 0.0})
    assert torch.equal(network[0].unused, torch.ones(2, 2))
    assert torch.equal(network[0].frozen, torch.ones(3))


@pytest.mark.parametrize(("size", "steps"), [(4, 3), (12, 1), (5, 2), (30, 1)])
def test_an_epoch_shows_every_image_at_most_once_in_whole_batches_in_an_order_of_its_own(size, steps, settings):
    shown = []

    def note(network, inputs, labels):
        assert torch.allclose(inputs * 255, BYTES[labels].float(), atol=1e-4)
        shown.append(labels.tolist())
        return 0

    trained(note, settings, epochs=2, batch_size=size)
    assert len(shown) == 2 * steps
    epochs = [[label for batch in part for label in batch] for part in (shown[:steps], shown[steps:])]
    assert [len(set(epoch)) for epoch in epochs] == [min(steps * size, 12)] * 2
    assert epochs[0] != epochs[1]


@pytest.mark.parametrize("fill", ["mean", "image_mean", "blur"])
def test_inputs_made_once_are_those_made_at_every_step(fill, classifier, training_images, monkeypatch):
    images = {name: values[:300] for name, values in training_images.items()}
    removed = np.random.default_rng(0).random((300, 28, 40)) < 0.5
    source = masked.source_of(classifier, images, removed, fill)
    ready = training.ready(source, 2)
    assert type(ready) is training.ReadySource
    for index in (torch.tensor([7, 0, 299]), slice(250, 270)):
        assert torch.equal(ready.inputs(index), source.inputs(index))
        assert ready.inputs(index).stride() == source.inputs(index).stride()
    assert training.ready(source, 1) is source
    drawn = replace(source, redraw=lambda epoch: source.removed)
    assert training.ready(drawn, 2) is drawn
    monkeypatch.setitem(training.READY, "cpu", 4 * 300 * 3 * 28 * 40 - 1)
    assert training.ready(source, 2) is source


def test_inputs_that_change_with_the_epoch_are_not_made_once(settings):
    shown, epochs = [], []

    class Changing(Source):
        def begin(self, epoch):
            epochs.append(epoch)

        def inputs(self, index):
            return super().inputs(index) + epochs[-1]

    def recipe(network, inputs, labels, *, generator):
        shown.append(inputs.mean().item())
        return network(inputs).sum()

    model = classifiers.Classifier(One(), torch.zeros(1), torch.ones(1), "")
    how = settings | {"epochs": 3, "batch_size": 12}
    training.train(Changing(model, BYTES, torch.arange(12)), recipe, seed=0, **how)
    assert epochs == [0, 1, 2]
    assert np.diff(shown) == pytest.approx([1, 1], abs=1e-5)


def test_a_flip_mirrors_half_of_the_images(settings):
    coins = []

    def note(network, inputs, labels):
        for image, label in zip(inputs * 255, labels, strict=True):
            mirrored = torch.allclose(image, BYTES[label].float().flip(2))
            assert mirrored != torch.allclose(image, BYTES[label].float())
            coins.append(mirrored)
        return 0

    trained(note, settings, epochs=40, flip=True)
    assert abs(np.mean(coins) - 0.5) < 4 * 0.5 / len(coins) ** 0.5


def test_a_loss_that_is_no_number_stops_the_training(settings):
    with pytest.raises(FloatingPointError, match=r"loss is nan in epoch 1: lower training\.learning_rate"):
        trained(lambda network, *_: network.bias.sum() * torch.nan, settings)


def test_statistics_of_bytes_by_hand():
    images = np.array([[[[0, 255]], [[51, 51]]], [[[255, 0]], [[51, 51]]]], np.uint8)
    mean, deviation = training.statistics(images)
    assert mean.tolist() == pytest.approx([0.5, 0.2])
    assert deviation.tolist() == pytest.approx([0.5, 1.0])  # a constant channel has nothing to divide by


def test_statistics_are_numpys_and_normalised_images_have_mean_0_and_deviation_1(classifier, training_images):
    mean, deviation = training.statistics(training_images["data"])
    assert np.allclose(mean, training_images["data"].mean((0, 2, 3)) / 255, atol=1e-6)
    assert np.allclose(deviation, training_images["data"].std((0, 2, 3)) / 255, atol=1e-6)
    inputs = classifier.normalise(training_images["data"])
    assert torch.allclose(inputs.mean((0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(inputs.std((0, 2, 3)), torch.ones(3), atol=1e-4)


def test_one_class_is_nothing_to_learn():
    with pytest.raises(ValueError, match="have 1 class; wanted: at least 2"):
        fitting.description({}, "small_cnn", np.zeros((4, 1, 2, 2), np.uint8), np.zeros(4, np.int32))


@pytest.fixture
def step(draw):
    """step(loss, seed): value and gradients of one batch, and the network."""

    def take(loss, seed=0):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = small_cnn.build((3, 16, 24), 4, width=4).train()
        model = classifiers.Classifier(network, torch.full((3,), 0.5), torch.full((3,), 0.25), "block3.2")
        given = {"generator": noise.generator(seed), "classifier": model, "layer": "block3.2"}
        value = calling.call(loss, network, draw(6, 3, 16, 24), torch.arange(6) % 4, given=given, options={})
        return value.detach(), torch.autograd.grad(value, list(network.parameters())), network

    return take


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_one_number_that_reaches_every_weight_and_leaves_no_hook(name, step):
    value, gradients, network = step(recipe(name))
    assert value.shape == ()
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    assert not any(module._forward_hooks for module in network.modules())
    assert value == step(recipe(name))[0]


def test_the_baseline_is_cross_entropy(step, draw):
    value, _, network = step(recipe("baseline"))
    assert torch.allclose(value, functional.cross_entropy(network(draw(6, 3, 16, 24)), torch.arange(6) % 4))


def test_smoothed_labels_lie_evenly_on_all_classes(step, draw):
    value, _, network = step(recipe("baseline", smoothing=0.1))
    logs = network(draw(6, 3, 16, 24)).log_softmax(1)
    target = torch.full((6, 4), 0.1 / 4)
    target[torch.arange(6), torch.arange(6) % 4] += 0.9
    assert torch.allclose(value, -(target * logs).sum(1).mean())


def test_fp_is_a_sum_of_clean_and_perturbed_and_without_the_latter_the_baseline(step):
    def fp(clean, perturbed, seed=0):
        weights = {"clean_weight": clean, "perturbed_weight": perturbed}
        return step(recipe("faithfulness_perturbation", **weights), seed)

    clean, gradients, _ = fp(1.0, 0.0)
    expected, expected_gradients, _ = step(recipe("baseline"))
    assert torch.equal(clean, expected)
    assert all(torch.allclose(one, other) for one, other in zip(gradients, expected_gradients, strict=True))
    assert torch.allclose(fp(1.0, 1.0)[0], clean + fp(0.0, 1.0)[0])
    assert torch.allclose(fp(1.5, 0.5)[0], 1.5 * clean + 0.5 * fp(0.0, 1.0)[0])
    assert not torch.equal(fp(0.0, 1.0)[0], fp(0.0, 1.0, seed=1)[0])


def test_each_image_is_perturbed_in_one_of_four_ways_of_equal_chance(draw):
    """Every result is an image that the definition allows; each kind, and each k, comes as often as it must."""
    image, features = draw(1, 2, 9, 14), draw(1, 3, 2, 3, seed=1)
    cells = features.sum(1).abs().flatten(1)
    soft = grid.smooth(cells, (9, 14), (2, 3))
    blurred = fills.blur(image)
    candidates = {"AD": image * soft, "ADD": image * (1 - soft)}
    for k in range(6):
        members = torch.zeros(1, 6).scatter(1, cells.topk(k).indices, 1)
        top = grid.spread(members, (9, 14), (2, 3))
        candidates[f"DAUC {k}"] = image * (1 - top)
        candidates[f"IAUC {k}"] = image * top + blurred * (1 - top)
    number = 3000
    found = perturbing.draw(
        image.expand(number, -1, -1, -1), features.expand(number, -1, -1, -1), noise.generator("kinds")
    )
    same = torch.stack([(found - each).abs().amax((1, 2, 3)) < 1e-5 for each in candidates.values()])
    assert (same.sum(0) == 1).all()
    share = dict(zip(candidates, same.double().mean(1).tolist(), strict=True))
    for name, expected in {name: 1 / 24 if name[-1].isdigit() else 1 / 4 for name in candidates}.items():
        assert abs(share[name] - expected) < 4 * (expected * (1 - expected) / number) ** 0.5, name


def test_the_perturbed_image_does_not_depend_on_the_rest_of_the_batch_but_for_chance(draw):
    """A constant map singles out nothing: it keeps or removes all softly, and harms no other image."""
    features = torch.cat([torch.ones(1, 3, 2, 3), draw(1, 3, 2, 3)])
    for seed in range(20):
        assert perturbing.draw(draw(2, 1, 8, 12), features, noise.generator(seed)).isfinite().all()


def test_features_are_those_of_the_named_layer_and_the_hook_goes_whatever_happens(classifier, inputs):
    network = classifier.network
    with perturbing.features_of(network, "block3.2", inputs) as features, torch.no_grad():
        network(inputs[:2])
        expected = network.block3(network.block2(network.block1(inputs[:2])))
    assert torch.equal(features[0], expected)
    with pytest.raises(RuntimeError), perturbing.features_of(network, "block3.2", inputs):
        network(inputs[0, 0])
    assert not network.block3[2]._forward_hooks
