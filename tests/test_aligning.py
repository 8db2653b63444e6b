"""Fine-tuning by maps: what it reaches, what it steps by, and that it goes on as if it had never been killed."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import accumulation, aligning, attribution, batch_norms, localising, registry, training
from saliency_benchmark import regions as area
from saliency_benchmark.aligning import Tuning
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.descent import AdamW, clip
from saliency_benchmark.explaining.softening import softened
from tests import bent, small

QUICK = {"seed": 0, "epochs": 2, "batch_size": 2, "accumulation": 2, "learning_rate": 1e-3}


def everything(source):
    network = source.classifier.network
    return torch.cat([value.double().flatten() for value in [*network.parameters(), *network.buffers()]])


def tuned(direction="aligned", name="gradient", source=None, saved=None, loss=bent.LOSS, **more):
    source = source or bent.annotated()
    course = aligning.align(source, loss, bent.explainer(name), Tuning(direction, **(QUICK | more)), saved)
    return source, course


@pytest.fixture(scope="module")
def learned():
    """A network that tells the stripes apart, and images to fine-tune on and to test with."""
    source = bent.annotated(96)
    how = {"batch_size": 8, "learning_rate": 0.1, "warmup": 0.1, "momentum": 0.9, "weight_decay": 0.0, "flip": False}
    training.train(source, bent.LOSS, seed=0, epochs=10, **how)
    return source, bent.annotated(40, 1, source.classifier)


@pytest.mark.parametrize("name", ["gradient", "grad_cam"])
def test_aligned_maps_lie_in_the_region_and_misaligned_ones_beside_it_while_predictions_stay(learned, name):
    mass, how = {}, {"batch_size": 8, "accumulation": 1, "learning_rate": 1e-2}
    for direction in aligning.DIRECTIONS:
        source, test = copy.deepcopy(learned)
        test.classifier = source.classifier
        course = aligning.align(
            source, bent.LOSS, bent.explainer(name), Tuning(direction, 0, weight=10, epochs=15, **how)
        )
        maps = attribution.maps_of(
            registry.load("methods", name, {}).attribute, test.classifier, test.inputs(slice(None)), test.targets
        )
        mass[direction] = area.share(area.positive(maps.numpy()), area.flat(test.regions.numpy())).mean()
        assert training.accuracy(test) == 1
        assert course.curves["localisation"][-1] < course.curves["localisation"][0] / 2
        assert course.facts["moved"] > 0.1
    assert mass["aligned"] > 0.9
    assert mass["misaligned"] < 0.1


def test_the_control_learns_by_classification_alone():
    one, course = tuned("control")
    other, _ = tuned("control", name="grad_cam")
    assert torch.equal(everything(one), everything(other))
    assert np.isnan(course.curves["localisation"]).all()
    assert np.array_equal(course.curves["loss"], course.curves["classification"])
    assert not torch.equal(everything(one), everything(tuned("aligned")[0]))


def test_curves_begin_before_any_step_and_add_up():
    source = bent.annotated()
    parts = bent.explainer("gradient")(source.classifier.network, source.inputs(slice(None)), source.targets)
    maps = accumulation.whole(parts)
    with torch.no_grad():
        entropy = bent.LOSS(source.classifier.network, source.inputs(slice(None)), source.labels, generator=None)
    _, course = tuned("misaligned", source=source, weight=0.5)
    curves = course.curves
    assert {len(each) for each in curves.values()} == {3}
    assert curves["classification"][0] == pytest.approx(entropy.item(), rel=1e-5)
    assert curves["localisation"][0] == pytest.approx(
        localising.loss(maps, source.regions, True).mean().item(), rel=1e-5
    )
    assert np.allclose(curves["loss"], curves["classification"] + 0.5 * curves["localisation"])


@pytest.mark.parametrize(("name", "options"), [("integrated_gradients", {"steps": 3}), ("smoothgrad", {"samples": 3})])
def test_the_gradient_summed_over_parts_is_that_of_the_whole(name, options):
    source = bent.annotated(2)
    network = source.classifier.network.double().requires_grad_(True)
    inputs, parameters = source.inputs(slice(None)).double(), [*network.parameters()]

    def parts():
        with aligning.batching.limited(2):
            return bent.explainer(name, **options)(network, inputs, source.targets)

    def criterion(maps):
        return localising.loss(maps, source.regions).mean()

    assert len(parts()) == 3
    wanted = torch.autograd.grad(criterion(sum(part() for part in parts())), parameters, allow_unused=True)
    found, maps = accumulation.slopes(parts(), criterion, parameters)
    assert torch.allclose(maps, accumulation.whole(parts()))
    # The last bias is in no map's slope.
    assert [each is None for each in found] == [each is None for each in wanted]
    pairs = [pair for pair in zip(found, wanted, strict=True) if pair[0] is not None]
    assert all(torch.allclose(*pair, rtol=1e-9, atol=1e-15) for pair in pairs)


def test_accumulated_batches_are_one_large_batch():
    one, _ = tuned(batch_size=8, accumulation=1)
    other, _ = tuned(batch_size=2, accumulation=4)
    assert torch.allclose(everything(one), everything(other), atol=2e-6)


def test_images_without_a_region_are_classified_alone():
    source = bent.annotated(8)
    source.counted = torch.zeros(8, dtype=torch.bool)
    source.counted[:2] = True
    _, course = tuned(source=source, batch_size=8)
    assert course.curves["localisation"][0] > 0
    source.counted[:2] = False
    with pytest.raises(ValueError, match="no image to fine-tune on has a region of its class"):
        tuned(source=source)


def test_maps_without_positive_relevance_are_counted():
    source = bent.annotated()
    nn.init.zeros_(source.classifier.network[-1].weight)
    _, course = tuned(source=source)
    assert course.curves["without_relevance"][0] == 8
    assert course.curves["localisation"][0] == pytest.approx(16 / 100)


@pytest.mark.parametrize("name", ["gradient", "grad_cam", "lrp_epsilon_plus"])
def test_weights_move_at_every_step(name):
    """A library put new parameters into the network at the first map: the optimiser then moved the old ones."""
    source, seen = bent.annotated(8), []
    before = [*source.classifier.network.parameters()]

    def loss(network, inputs, labels, *, generator):
        seen.append(everything(source))
        return bent.LOSS(network, inputs, labels, generator=generator)

    tuned(name=name, source=source, loss=loss, batch_size=8, accumulation=1, epochs=3)
    states = [*seen[1:], everything(source)]
    assert all(not torch.equal(*pair) for pair in pairwise(states))
    assert all(one is other for one, other in zip(before, source.classifier.network.parameters(), strict=True))


def test_a_gradient_s_map_has_a_gradient_by_the_weights_though_relus_have_no_curvature():
    source = bent.annotated(4)
    network = source.classifier.network.requires_grad_(True)
    parts = bent.explainer("gradient")(network, source.inputs(slice(None)), source.targets)
    found, _ = accumulation.slopes(
        parts, lambda maps: localising.loss(maps, source.regions).mean(), [*network.parameters()]
    )
    assert min(found[place].norm() for place in (0, 2, 4)) > 1e-6


def test_softplus_in_the_explanation_pass_is_a_network_of_softplus_and_the_network_stays():
    source = bent.annotated(4)
    network, inputs = source.classifier.network, source.inputs(slice(None))
    smooth = copy.deepcopy(network)
    smooth[1] = smooth[3] = nn.Softplus(5)
    with softened(network, 5):
        found = accumulation.whole(bent.explainer("gradient")(network, inputs, source.targets))
    wanted = accumulation.whole(bent.explainer("gradient")(smooth, inputs, source.targets))
    assert torch.allclose(found, wanted)
    assert not network._forward_hooks
    assert not network._forward_pre_hooks
    assert not torch.equal(everything(tuned()[0]), everything(tuned(softplus=5.0)[0]))


def test_nothing_that_moves_and_no_number_are_errors():
    with pytest.raises(ValueError, match="fine-tuning moved no weight: raise"):
        tuned(learning_rate=1e-30, weight_decay=0)

    def no_number(network, inputs, labels, *, generator):
        return network(inputs).sum() * float("inf")

    with pytest.raises(FloatingPointError, match="in epoch 1: lower"):
        tuned(loss=no_number)


def test_frozen_norms_keep_their_statistics_and_train_their_scale():
    source = bent.annotated(norms=True)
    norm = source.classifier.network[1]
    before = {name: value.clone() for name, value in norm.state_dict().items()}
    tuned(source=source)
    after = norm.state_dict()
    kept = {name for name in before if torch.equal(before[name], after[name])}
    assert kept == {"running_mean", "running_var", "num_batches_tracked"}


def test_norms_by_batch_see_the_classification_in_training_mode_and_maps_in_evaluation_mode():
    source, modes = bent.annotated(norms=True), {"classification": set(), "maps": set()}

    def loss(network, inputs, labels, *, generator):
        modes["classification"].add(network.training)
        return bent.LOSS(network, inputs, labels, generator=generator)

    def explain(network, inputs, targets):
        modes["maps"].add(network.training)
        return bent.explainer("gradient")(network, inputs, targets)

    norm = source.classifier.network[1]
    aligning.align(source, loss, explain, Tuning("aligned", **QUICK, batch_norm="batch"))
    # The first look at the losses is taken in evaluation mode.
    assert modes == {"classification": {False, True}, "maps": {False}}
    # Two epochs of four batches.
    assert norm.num_batches_tracked == 8


@pytest.mark.parametrize("family", ["cnn", "resnet", "densenet", "vgg"])
def test_merged_norms_give_the_same_network_with_fixed_scales_in_the_same_architecture(family):
    network, inputs = small.network(family).double(), small.images(family).double()
    with torch.no_grad():
        wanted = network(inputs)
    state = {name: value.shape for name, value in network.state_dict().items()}
    parameters = batch_norms.prepare(network, "merged")
    with torch.no_grad():
        assert torch.allclose(network(inputs), wanted, atol=1e-9)
    assert {name: value.shape for name, value in network.state_dict().items()} == state
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    fixed = [norm for norm in norms if not norm.weight.requires_grad]
    assert all(norm.weight.eq(1).all() and norm.running_mean.eq(0).all() for norm in fixed)
    # The norms of a DenseNet's layers stand before their convolutions, but for those within a layer.
    assert 0 < len(fixed) <= len(norms)
    assert (len(fixed) == len(norms)) == (family != "densenet")
    assert len(parameters) == len([*network.parameters()]) - len(fixed)


def test_norms_that_cannot_be_merged_are_told():
    class Branching(nn.Module):
        def forward(self, images):
            return images if images.sum() > 0 else -images

    with pytest.raises(ValueError, match="batch norms cannot be merged, since"):
        batch_norms.prepare(Branching(), "merged")


def test_adamw_and_clipping_are_torch_s_own():
    networks = [bent.network(), bent.network()]
    networks = [network.to(memory_format=torch.channels_last) for network in networks]
    theirs = torch.optim.AdamW(networks[0].parameters(), lr=1e-2, weight_decay=0.1)
    ours = AdamW([*networks[1].parameters()], 0.1)
    generator = torch.Generator().manual_seed(0)
    for _ in range(4):
        inputs = torch.randn(4, 1, 10, 10, generator=generator)
        for network in networks:
            network.zero_grad()
            network(inputs).square().sum().backward()
        nn.utils.clip_grad_norm_(networks[0].parameters(), 0.5)
        theirs.step()
        ours.step(clip([each.grad for each in networks[1].parameters()], 0.5), 1e-2)
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        assert torch.allclose(one, other, atol=1e-6)
    small_ones = [torch.full((2,), 1e-3), None]
    assert torch.equal(clip(small_ones, 0.5)[0], small_ones[0])
    ours.step([None] * 6, 1e-2)


class Killed(Exception):
    pass


@pytest.mark.parametrize("norms", ["frozen", "merged", "batch"])
def test_a_killed_fine_tuning_goes_on_and_ends_with_the_same_bytes(tmp_path, norms):
    how = {"epochs": 4, "batch_norm": norms}
    whole, course = tuned(source=bent.annotated(norms=True), **how)
    calls = iter(range(10**6))

    def killing(network, inputs, labels, *, generator):
        # Four batches to look at, and four in each epoch: in the third epoch.
        if next(calls) == 4 + 2 * 4 + 1:
            raise Killed
        return bent.LOSS(network, inputs, labels, generator=generator)

    killing.__module__ = "saliency_benchmark.recipes.baseline"  # one that says that it only calls the network
    path, origin = tmp_path / "model.h5", {"rule": "align"}
    with pytest.raises(Killed), Checkpoint(path, origin, 0) as saved:
        tuned(source=bent.annotated(norms=True), saved=saved, loss=killing, **how)
    assert (tmp_path / ".model.h5.checkpoint").exists()
    with Checkpoint(path, origin, 0) as saved:
        again, resumed = tuned(source=bent.annotated(norms=True), saved=saved, **how)
    assert torch.equal(everything(again), everything(whole))
    assert resumed.facts == course.facts
    assert all(np.array_equal(course.curves[name], resumed.curves[name]) for name in course.curves)
