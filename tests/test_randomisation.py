"""Maps of networks whose parameters were drawn anew, and of other classes: closed forms, laws, and quantus."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from saliency_benchmark import randomising, registry, similarity
from tests import small
from tests.remaps import asked_of_quantus, method, probed, quantus, scored, scores

TESTS = ["parameter_randomisation", "bottom_up_randomisation", "smooth_randomisation"]
IN_ORDER = ["block1.0", "block1.1", "block2.0", "block2.1", "block3.0", "block3.1", "classify"]


@pytest.fixture
def network():
    return small.network("cnn")


@pytest.fixture
def model(network, plain):
    return plain(network, "block3.2", 3)


@pytest.fixture
def asked(model, ask):
    """asked(method, places): what a probe may ask of some of four images."""

    def of(name="gradient", places=slice(None), **options):
        inputs, targets = small.images("cnn", 4)[places], torch.tensor([0, 1, 2, 3])[places]
        return ask(model, inputs, np.array([7, 2, 9, 4])[places], targets, method(name, model, options))

    return of


@pytest.fixture
def straight(linear, ask, draw):
    """The gradient of a linear model of four classes, asked about three images."""
    classifier = linear((2, 8, 9), 4)
    return ask(
        classifier, draw(3, 2, 8, 9), np.array([4, 0, 9]), torch.tensor([0, 1, 3]), method("gradient", classifier)
    )


def changed(network, other):
    """Names of the modules of which a parameter or statistic differs."""
    pairs = zip(network.state_dict().items(), other.state_dict().values(), strict=True)
    return {name.rpartition(".")[0] for (name, before), after in pairs if not torch.equal(before, after)}


def weights(maps):
    """Magnitude of the sum over the channels, one row per image."""
    return np.abs(np.asarray(maps).astype(float).sum(1)).reshape(len(maps), -1)


def test_modules_come_in_the_order_of_the_forward_pass(network):
    assert randomising.modules(network, small.images("cnn")) == IN_ORDER


def test_what_is_not_called_by_itself_follows_the_module_around_it():
    """A vision transformer's class token and positions are its own; attention calls its projections as functions."""
    found = randomising.modules(small.network("vit"), small.images("vit"))
    assert found[:2] == ["", "conv_proj"]
    place = found.index("encoder.layers.encoder_layer_0.self_attention")
    assert found[place + 1] == "encoder.layers.encoder_layer_0.self_attention.out_proj"
    assert found[-1] == "heads.head"
    owners = {name.rpartition(".")[0] for name, _ in small.network("vit").named_parameters()}
    assert set(found) == owners


@pytest.mark.parametrize("family", small.FAMILIES)
def test_all_parameters_of_every_family_are_drawn_anew(family):
    network = small.network(family)
    other = randomising.redrawn(network, randomising.modules(network, small.images(family)), seed=0)
    for (name, before), after in zip(network.named_parameters(), other.parameters(), strict=True):
        assert before.std() == 0 or not torch.isclose(before, after).all(), name
    with torch.no_grad():
        assert other(small.images(family)).isfinite().all()


def test_top_down_keeps_what_was_drawn_and_goes_on_to_the_first_module(network):
    found = [changed(network, other) for other in randomising.stages(network, IN_ORDER, "top_down", 7, 0)]
    assert found == [set(IN_ORDER[-count:]) for count in range(1, 8)]


def test_bottom_up_begins_at_the_first_module(network):
    found = [changed(network, other) for other in randomising.stages(network, IN_ORDER, "bottom_up", 7, 0)]
    assert found == [set(IN_ORDER[:count]) for count in range(1, 8)]


def test_independent_draws_one_module_at_a_time(network):
    found = [changed(network, other) for other in randomising.stages(network, IN_ORDER, "independent", 3, 0)]
    assert found == [{"block1.0"}, {"block2.1"}, {"classify"}]


@pytest.mark.parametrize(("steps", "expected"), [(1, [7]), (2, [4, 7]), (3, [2, 5, 7]), (50, [1, 2, 3, 4, 5, 6, 7])])
def test_stages_are_evenly_spaced_and_end_with_the_whole_network(steps, expected, network):
    found = randomising.stages(network, IN_ORDER, "top_down", steps, 0)
    assert [len(changed(network, other)) for other in found] == expected


def test_a_network_drawn_anew_as_a_whole_is_the_same_from_both_ends(network):
    down, up = ([*randomising.stages(network, IN_ORDER, order, 3, 0)][-1] for order in ("top_down", "bottom_up"))
    assert not changed(down, up)
    assert not changed(down, randomising.redrawn(network, IN_ORDER, 0))
    assert changed(down, randomising.redrawn(network, IN_ORDER, 1)) >= {"block1.0", "block2.0", "classify"}


def test_a_module_begins_as_its_own_class_does(network):
    other = randomising.redrawn(network, IN_ORDER, 0)
    norm, fresh = other.block1[1], nn.BatchNorm2d(4)
    assert all(torch.equal(norm.state_dict()[name], value) for name, value in fresh.state_dict().items())
    bound = 1 / network.block1[0].weight[0].numel() ** 0.5
    assert other.block1[0].weight.abs().max().item() == pytest.approx(bound, rel=0.05)


def test_other_parameters_keep_the_mean_and_the_spread_of_their_entries_but_a_single_number_stays():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.full((4000,), 3.0) + torch.linspace(-1, 1, 4000))
            self.one = nn.Parameter(torch.tensor(5.0))

    made = Plain()
    other = randomising.redrawn(made, [""], 0)
    assert other.one == 5
    assert other.scale.mean().item() == pytest.approx(3, abs=0.05)
    assert other.scale.std().item() == pytest.approx(made.scale.std().item(), rel=0.05)
    assert abs(np.corrcoef(other.scale.detach(), made.scale.detach())[0, 1]) < 0.06


def test_chance_elsewhere_goes_on_as_if_nothing_had_been_drawn(network):
    torch.manual_seed(5)
    randomising.redrawn(network, IN_ORDER, 0)
    after = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(3))


@pytest.mark.parametrize(("order", "steps"), [("sideways", 2), ("top_down", 0)])
def test_no_such_order_or_step_is_refused(order, steps, network):
    with pytest.raises(ValueError, match="wanted: top_down, bottom_up, independent, and at least one step"):
        [*randomising.stages(network, IN_ORDER, order, steps, 0)]


def test_a_network_without_parameters_is_refused(pixel_sum):
    with pytest.raises(ValueError, match="no parameters"):
        randomising.modules(pixel_sum.network, torch.ones(1, 1, 2, 2))


def test_the_gradient_of_a_linear_model_drawn_anew_is_its_new_weights(straight):
    other = randomising.redrawn(straight.classifier.network, ["1"], seed=3)
    before, after = (
        weights(network[1].weight.detach()[straight.targets].view(3, 2, 8, 9))
        for network in (straight.classifier.network, other)
    )
    expected = [stats.spearmanr(*pair).statistic for pair in zip(before, after, strict=True)]
    readings = probed("randomisation", straight, seed=3)
    assert np.allclose(readings["spearman"], np.array(expected)[:, None], atol=1e-12)
    assert np.allclose(readings["spearman_full"], expected, atol=1e-12)
    assert np.allclose(scores("parameter_randomisation", readings), expected, atol=1e-12)


@pytest.mark.parametrize("metric", TESTS)
@pytest.mark.parametrize("name", ["random", "sobel", "centre_blob"])
def test_what_does_not_look_at_the_network_stays_exactly_as_it_is(name, metric, asked):
    readings = probed(registry.load("metrics", metric, {}).PROBE, asked(name), steps=2)
    assert scores(metric, readings) == pytest.approx([1] * 4, abs=1e-12)
    assert scores(metric, readings, similarity="ssim") == pytest.approx([1] * 4, abs=1e-12)
    assert scores("efficient_randomisation", readings) == pytest.approx([0] * 4, abs=1e-12)


@pytest.mark.parametrize("metric", TESTS)
def test_the_gradient_hardly_knows_a_network_drawn_anew(metric, asked):
    readings = probed(registry.load("metrics", metric, {}).PROBE, asked())
    assert scores(metric, readings, stage="last").max() < 0.3


@pytest.mark.parametrize("order", randomising.ORDERS)
def test_readings_are_those_of_one_network_after_the_other(order, asked):
    one = asked("input_x_gradient")
    found = probed("randomisation", one, order=order, steps=3, seed=2)
    before = one.explain(one.inputs, one.targets)
    for stage, network in enumerate(randomising.stages(one.classifier.network, IN_ORDER, order, 3, 2)):
        after = weights(one.explain(one.inputs, one.targets, network=network))
        expected = [stats.spearmanr(*pair).statistic for pair in zip(weights(before), after, strict=True)]
        assert np.allclose(found["spearman"][:, stage], expected, atol=1e-9)
    whole = one.explain(one.inputs, one.targets, network=randomising.redrawn(one.classifier.network, IN_ORDER, 2))
    for name, maps in (("complexity", before), ("complexity_full", whole)):
        signed = maps.double().sum(1).flatten(1).numpy()
        assert np.allclose(found[name], [stats.entropy(np.histogram(each, 100)[0]) for each in signed])
    expected = [stats.spearmanr(*pair).statistic for pair in zip(weights(before), weights(whole), strict=True)]
    assert np.allclose(found["spearman_full"], expected, atol=1e-9)


def test_signed_maps_are_compared_with_their_sign(straight):
    def turned(model, images, targets):
        """The gradient, or its opposite where the weights are not those of the first network."""
        sign = 1 if torch.equal(model[1].weight, first) else -1
        return sign * first[targets].view_as(images)

    first = straight.classifier.network[1].weight.detach().clone()
    straight.explain = method(turned, straight.classifier)
    assert probed("randomisation", straight, signed=True)["spearman"].ravel().tolist() == [-1] * 3
    assert probed("randomisation", straight)["spearman"].ravel().tolist() == [1] * 3


@pytest.mark.parametrize(
    ("probe", "options"),
    [("randomisation", {}), ("smooth_randomisation", {"steps": 1, "samples": 2}), ("other_class", {})],
)
@pytest.mark.parametrize("name", ["gradient", "grad_cam", "lrp_epsilon_plus"])
def test_an_image_alone_reads_as_in_its_batch(name, probe, options, asked):
    together = probed(probe, asked(name), **options)
    for at in range(4):
        for reading, values in probed(probe, asked(name, slice(at, at + 1)), **options).items():
            assert np.allclose(values, together[reading][at : at + 1], atol=5e-3), reading


@pytest.mark.parametrize("probe", ["randomisation", "bottom_up_randomisation", "smooth_randomisation"])
def test_the_network_stays_as_it_was(probe, asked):
    one = asked("guided_grad_cam")
    network = one.classifier.network.train()
    kept = deepcopy(network)
    probed(probe, one, torch.ones(4, 3, 32, 48), steps=2)
    assert not changed(kept, network)
    assert all(module.training for module in network.modules())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())


def test_no_more_images_are_explained_at_a_time_than_the_probe_was_given(asked):
    sizes = []

    def count(model, images, targets):
        sizes.append(len(images))
        return images

    probed("smooth_randomisation", asked(count), steps=2, samples=3)
    assert sizes == [4] * (1 + 2 + 2 * 3)


def test_smooth_maps_without_noise_or_samples_are_plain_maps(asked):
    plain = probed("randomisation", asked())
    for options in ({"samples": 1}, {"noise": 0.0}):
        smooth = probed("smooth_randomisation", asked(), **options)
        assert np.allclose(smooth["spearman"], plain["spearman"], atol=1e-4)


def test_smooth_maps_are_means_over_the_image_and_its_noisy_copies(asked):
    """Of a method that gives the image itself, they are the image and the mean of the noise, whatever the network."""
    shown = []

    def the_image(model, images, targets):
        shown.append(images.clone())
        return images.clone()

    one = asked(the_image)
    found = probed("smooth_randomisation", one, steps=1, samples=200, noise=0.2)
    assert found["spearman"] == pytest.approx(np.ones((4, 1)), abs=1e-12)
    copies = torch.stack(shown[1:200]) - one.inputs
    spread = one.inputs.amax((1, 2, 3)) - one.inputs.amin((1, 2, 3))
    assert torch.allclose(copies.std((0, 2, 3, 4)), 0.2 * spread, rtol=0.01)
    # The other network sees the very same copies.
    assert all(torch.equal(a, b) for a, b in zip(shown[1:200], shown[201:], strict=True))


def test_fewer_samples_than_the_image_itself_are_refused(asked):
    with pytest.raises(ValueError, match="at least one, the image itself"):
        probed("smooth_randomisation", asked(), samples=0)


def test_scores_by_hand():
    readings = {
        "spearman": np.array([[0.5, 0.1], [np.nan, 0.2]]),
        "ssim": np.array([[0.9, 0.7], [0.3, 0.1]]),
        "complexity": np.array([2.0, 0.0]),
        "complexity_full": np.array([3.0, 1.0]),
    }
    for metric in TESTS:
        assert np.allclose(scores(metric, readings), [0.3, np.nan], equal_nan=True)
        assert np.allclose(scores(metric, readings, similarity="ssim"), [0.8, 0.2])
        assert np.allclose(scores(metric, readings, stage="last"), [0.1, 0.2])
        with pytest.raises(ValueError, match="wanted: spearman or ssim, mean or last"):
            scores(metric, readings, similarity="pearson")
    assert np.allclose(scores("efficient_randomisation", readings), [0.5, np.nan], equal_nan=True)


def test_another_class_of_a_linear_model_is_another_row_of_its_weights(straight):
    shown = []

    def spy(model, images, targets):
        shown.append(targets)
        return model[1].weight[targets].view_as(images)

    straight.explain = method(spy, straight.classifier)
    found = probed("other_class", straight)
    rows = weights(straight.classifier.network[1].weight.detach().view(4, 2, 8, 9))
    pairs = zip(straight.targets, shown[1], strict=True)
    expected = [stats.spearmanr(rows[target], rows[other]).statistic for target, other in pairs]
    assert np.allclose(found["spearman"], expected, atol=1e-12)
    assert np.allclose(scores("random_logit", found), expected, atol=1e-12)


def test_every_other_class_has_the_same_chance_and_the_target_none(straight):
    drawn = []

    def spy(model, images, targets):
        drawn.append(targets)
        return images

    straight.explain = method(spy, straight.classifier)
    for seed in range(300):
        probed("other_class", straight, straight.inputs, seed=seed)
    found = torch.stack(drawn)
    for place, target in enumerate(straight.targets):
        counts = torch.bincount(found[:, place], minlength=4)
        assert counts[target] == 0
        # Three classes in 300 draws: a deviation of 8.2.
        assert (abs(counts[counts > 0] - 100) < 35).all()
        assert (counts > 0).sum() == 3


@pytest.mark.parametrize("name", ["random", "sobel"])
def test_what_does_not_look_at_the_class_is_the_same_for_every_class(name, asked):
    readings = probed("other_class", asked(name))
    assert scores("random_logit", readings).tolist() == [1] * 4
    assert scores("random_logit", readings, similarity="ssim").tolist() == [1] * 4


def test_one_class_leaves_no_other(linear, ask, draw):
    classifier = linear((1, 8, 9), 1)
    one = ask(classifier, draw(2, 1, 8, 9), np.arange(2), torch.tensor([0, 0]), method("gradient", classifier))
    assert np.isnan(scored("random_logit", one)).all()


def test_the_untouched_network_is_no_stage_where_quantus_counts_it_as_one(asked):
    """Its average over layers holds the similarity of the map with itself, 1."""
    one = asked()
    stages = asked_of_quantus("MPRT", one)
    average = asked_of_quantus("MPRT", one, {"return_average_correlation": True})
    layers = np.array([values for name, values in stages.items() if name != "original"])
    assert np.allclose(stages["original"], 1)
    assert np.allclose(average, (layers.sum(0) + 1) / (len(layers) + 1))
    assert probed("randomisation", one, steps=7)["spearman"].shape == (4, len(layers)) == (4, 7)


def test_layers_of_one_shape_are_drawn_apart_where_quantus_gives_all_the_same_weights():
    network = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    ours = randomising.redrawn(network, ["0", "2"], 0)
    assert not torch.isclose(ours[0].weight, ours[2].weight).any()
    with quantus():
        from quantus.helpers.model.pytorch_model import PyTorchModel
    *_, (_, theirs) = PyTorchModel(network).get_random_layer_generator("top_down")
    assert torch.equal(theirs[0].weight, theirs[2].weight)


def test_the_same_network_gives_the_same_smooth_map_where_quantus_adds_other_noise(asked):
    """Its smooth map of the network is not like itself, and no call is like the other."""
    one = asked()
    first, second = (asked_of_quantus("SmoothMPRT", one, {"nr_samples": 3}) for _ in range(2))
    assert max(first["original"]) < 0.95
    assert not np.isclose(first["classify"], second["classify"], atol=1e-4).any()
    ours = probed("smooth_randomisation", one, steps=2, samples=3)
    assert np.array_equal(ours["spearman"], probed("smooth_randomisation", one, steps=2, samples=3)["spearman"])


def test_the_other_class_does_not_depend_on_the_batch_where_quantus_draws_it_by_place(asked):
    options = {"num_classes": 4, "normalise": False}
    together = asked_of_quantus("RandomLogit", asked(), options)
    alone = [asked_of_quantus("RandomLogit", asked(places=slice(at, at + 1)), options)[0] for at in range(4)]
    assert not np.allclose(together, alone, atol=1e-3)


def test_the_rise_of_complexity_is_that_of_quantus_between_the_same_networks(asked):
    """Same histogram, another draw of parameters: its formula is applied to our maps."""
    one = asked()
    readings = probed("randomisation", one, steps=1)
    before = one.explain(one.inputs, one.targets)
    network = randomising.redrawn(one.classifier.network, IN_ORDER, 0)
    after = one.explain(one.inputs, one.targets, network=network)
    with quantus():
        from quantus.functions.complexity_func import discrete_entropy
    first, second = (
        np.array([discrete_entropy(a=each, x=each) for each in maps.double().sum(1).numpy()])
        for maps in (before, after)
    )
    assert np.allclose(scores("efficient_randomisation", readings), (second - first) / first)


def test_the_other_class_is_one_of_the_networks_where_quantus_takes_any_of_a_thousand(asked):
    with pytest.raises(RuntimeError, match="out of bounds for dimension 1 with size 4"):
        asked_of_quantus("RandomLogit", asked())
    assert np.isfinite(scored("random_logit", asked())).all()


def test_structural_similarity_sees_a_pictures_rows_where_quantus_sees_one_row_of_numbers(draw):
    """The same numbers as a picture of 16 x 32 and of 8 x 64 are as alike for it, and not as alike as pictures."""
    maps = draw(1, 512).abs().double(), (draw(1, 512) + 0.5 * draw(1, 512, seed=1)).abs().double()
    with quantus():
        from quantus.functions.similarity_func import ssim
    tall, wide = ([each.view(1, *shape) for each in maps] for shape in ((16, 32), (8, 64)))
    assert ssim(*(each.flatten(1).numpy() for each in tall), batched=True) == ssim(
        *(each.flatten(1).numpy() for each in wide), batched=True
    )
    assert not torch.isclose(similarity.ssim(*tall), similarity.ssim(*wide), atol=1e-3)
