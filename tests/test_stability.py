"""How much maps move when images do: closed forms, loops by hand, what draws are, and quantus where it is right."""

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import artifacts, noise, probing, registry, scoring
from saliency_benchmark.models import small_cnn
from tests.remaps import asked_of_quantus, method, probed, scored, scores

NEIGHBOURS = ["max_sensitivity", "avg_sensitivity", "local_lipschitz"]
RELATIVE = [f"relative_{kind}_stability" for kind in ("input", "output", "representation")]
OF_DRAWS = [*NEIGHBOURS, *RELATIVE]


def weighted(model, images, targets):
    """Closed form on a linear model: each pixel's contribution."""
    return images * model[1].weight[targets].view_as(images)


def the_image(model, images, targets):
    return images.clone()


@pytest.fixture
def model(plain):
    """A network on an image that is not square, which sees pixels moved and stretched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = plain(small_cnn.build((3, 9, 14), 4, width=4), "block3.2", 3)
    made.mean, made.deviation = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.3, 0.4])
    return made


@pytest.fixture
def asked(model, ask):
    """asked(method, places): what a probe may ask of some of five images."""
    pixels = torch.rand(5, 3, 9, 14, generator=torch.Generator().manual_seed(0))
    inputs = (pixels - model.mean[:, None, None]) / model.deviation[:, None, None]

    def of(name="gradient", places=slice(None)):
        index, targets = np.arange(5)[places], torch.tensor([0, 1, 2, 3, 0])[places]
        return ask(model, inputs[places], index, targets, method(name, model))

    return of


@pytest.fixture
def straight(linear, ask, draw):
    """straight(method): a linear model asked about three images in the middle of the range."""
    classifier = linear((2, 5, 6))

    def of(name):
        inputs = 0.5 + 0.1 * draw(3, 2, 5, 6).clamp(-2, 2)
        return ask(classifier, inputs, np.array([4, 0, 9]), torch.tensor([0, 1, 2]), method(name, classifier))

    return of


@pytest.mark.parametrize("metric", OF_DRAWS)
def test_the_gradient_of_a_linear_model_never_moves(metric, straight):
    assert scores(metric, probed("neighbours", straight("gradient"))).tolist() == [0, 0, 0]


def test_the_gradient_of_a_linear_model_does_not_move_with_the_image(straight):
    assert scores("continuity", probed("translations", straight("gradient"), steps=4)).tolist() == [0, 0, 0]


def test_contributions_to_a_linear_model_move_by_weight_times_noise(straight):
    """The noise is drawn again here, image by image, as the options say."""
    asked = straight(weighted)
    readings = probed("neighbours", asked, draws=3, radius=0.05, seed=7)
    weights = asked.classifier.network[1].weight.detach()
    weight = weights[asked.targets].view_as(asked.inputs)
    for place, image in enumerate(asked.index):
        generator = noise.generator("neighbours", 7, int(image))
        for number in range(3):
            moved = 0.05 * (2 * torch.rand(2, 5, 6, generator=generator) - 1)
            expected = {"map_distance": weight[place] * moved, "input_distance": moved}
            expected["logit_distance"] = weights @ moved.flatten()
            for name, values in expected.items():
                assert readings[name][place, number] == pytest.approx(values.norm().item(), rel=1e-3), name
    assert np.allclose(readings["map_norm"], (weight * asked.inputs).flatten(1).norm(dim=1))


def test_no_lipschitz_estimate_of_contributions_exceeds_the_largest_weight(straight):
    asked = straight(weighted)
    readings = probed("neighbours", asked, draws=20)
    largest = asked.classifier.network[1].weight[asked.targets].abs().amax(1).detach().numpy()
    assert (scores("local_lipschitz", readings, relative=False) <= largest * (1 + 1e-5)).all()


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
def test_neighbours_are_as_far_as_told_and_stay_within_the_pixels_range(distribution, asked):
    shown = []

    def spy(model, images, targets):
        shown.append(images)
        return images

    probed("neighbours", one := asked(spy), distribution=distribution, draws=200, radius=0.1)
    mean, deviation = one.classifier.mean[:, None, None], one.classifier.deviation[:, None, None]
    pixels = torch.stack(shown[1:]) * deviation + mean
    assert pixels.min() > -1e-6
    assert pixels.max() < 1 + 1e-6
    before = one.inputs * deviation + mean
    inner = ((before > 0.45) & (before < 0.55)).expand_as(pixels)
    moves = (pixels - before)[inner]
    assert (moves.abs() <= 0.1 + 1e-6).all() == (distribution == "uniform")
    assert moves.std().item() == pytest.approx(0.1 / 3**0.5 if distribution == "uniform" else 0.1, rel=0.02)
    assert abs(moves.mean()) < 0.002


def twin(asked, maps, draws, radius, seed, epsilon):
    """The readings of each image alone, loop by loop, by the network as it is."""
    mean, deviation = asked.classifier.mean[:, None, None], asked.classifier.deviation[:, None, None]

    def seen(image):
        features = asked.classifier.network[:3](image[None])[0]
        return asked.classifier.network(image[None])[0].detach(), features.detach()

    def change(before, after):
        least = epsilon * before.abs().max()
        pairs = zip(before.flatten(), after.flatten(), strict=True)
        return sum(((a - b) / max(abs(a), least)) ** 2 for a, b in pairs) ** 0.5

    for place, image in enumerate(asked.inputs):
        generator = noise.generator("neighbours", seed, int(asked.index[place]))
        pixels = image * deviation + mean
        for _ in range(draws):
            near = (pixels + radius * (2 * torch.rand(pixels.shape, generator=generator) - 1)).clamp(0, 1)
            other = (near - mean) / deviation
            new = asked.explain(other[None], asked.targets[place : place + 1])[0]
            (logits, features), (answer, others) = seen(image), seen(other)
            yield {
                "map_distance": (new - maps[place]).norm(),
                "input_distance": (near - pixels).norm(),
                "logit_distance": (answer - logits).norm(),
                "relative_map_distance": change(maps[place], new),
                "relative_input_distance": change(pixels, near),
                "relative_representation_distance": change(features, others),
                "same_prediction": float(answer.argmax() == logits.argmax()),
            }


def test_readings_are_those_of_loops_over_images_draws_and_pixels(asked):
    one = asked("input_x_gradient")
    maps = one.explain(one.inputs, one.targets)
    found = probed("neighbours", one, maps, draws=2, radius=0.1, seed=3, epsilon=0.01)
    expected = list(twin(one, maps, draws=2, radius=0.1, seed=3, epsilon=0.01))
    for name in expected[0]:
        values = np.array([float(reading[name]) for reading in expected]).reshape(5, 2)
        assert np.allclose(found[name], values, rtol=2e-3), name


@pytest.mark.parametrize("probe", ["neighbours", "translations"])
@pytest.mark.parametrize("name", ["gradient", "grad_cam", "occlusion"])
def test_an_image_alone_reads_as_in_its_batch(name, probe, asked):
    together = probed(probe, asked(name))
    for at in range(5):
        alone = probed(probe, asked(name, slice(at, at + 1)))
        for reading, values in alone.items():
            assert np.allclose(values, together[reading][at : at + 1], rtol=5e-3), reading


def test_more_draws_go_on_where_fewer_stop_and_another_seed_draws_others(asked):
    few, many, other = (
        probed("neighbours", asked(), **options) for options in ({"draws": 2}, {"draws": 4}, {"draws": 2, "seed": 1})
    )
    assert np.array_equal(few["map_distance"], many["map_distance"][:, :2])
    assert not np.isclose(few["map_distance"], other["map_distance"], rtol=1e-3).any()


@pytest.mark.parametrize("metric", [*OF_DRAWS, "continuity"])
def test_the_scale_of_a_map_does_not_count(metric, asked):
    def tenfold(model, images, targets):
        return 10 * registry.load("methods", "gradient", {}).attribute(model, images, targets)

    probe = registry.load("metrics", metric, {}).PROBE
    one, ten = (scores(metric, probed(probe, asked(name))) for name in ("gradient", tenfold))
    assert np.allclose(one, ten, rtol=1e-4)


@pytest.mark.parametrize("metric", [*NEIGHBOURS, "continuity"])
def test_what_looks_at_nothing_is_the_most_stable_of_all(metric, asked):
    probe = registry.load("metrics", metric, {}).PROBE
    assert (scores(metric, probed(probe, asked("centre_blob"))) == 0).all()
    assert (scores(metric, probed(probe, asked("gradient"))) > 0).all()


@pytest.mark.parametrize("metric", [*OF_DRAWS, "continuity"])
def test_a_map_without_anything_has_no_relative_change(metric, asked):
    probe = registry.load("metrics", metric, {}).PROBE
    one = asked()
    assert np.isnan(scores(metric, probed(probe, one, torch.zeros_like(one.inputs)))).all()


@pytest.mark.parametrize("metric", NEIGHBOURS)
def test_a_new_map_that_is_no_number_leaves_no_score(metric):
    readings = {"map_distance": np.array([[1, np.nan], [1, 2.0]]), "map_norm": np.ones(2)}
    found = scores(metric, readings | {"input_distance": np.ones((2, 2))})
    assert np.isnan(found).tolist() == [True, False]


def test_sensitivity_and_lipschitz_by_hand():
    readings = {
        "map_distance": np.array([[3.0, 1.0, 2.0]]),
        "input_distance": np.array([[6.0, 0.5, 4.0]]),
        "map_norm": np.array([2.0]),
    }
    assert scores("max_sensitivity", readings) == pytest.approx([1.5])
    assert scores("max_sensitivity", readings, relative=False) == pytest.approx([3])
    assert scores("avg_sensitivity", readings) == pytest.approx([1])
    assert scores("local_lipschitz", readings) == pytest.approx([1])
    assert np.isnan(scores("local_lipschitz", readings | {"input_distance": np.zeros((1, 3))}))


@pytest.mark.parametrize(
    ("metric", "cause"),
    [
        ("relative_input_stability", "relative_input_distance"),
        ("relative_output_stability", "logit_distance"),
        ("relative_representation_stability", "relative_representation_distance"),
    ],
)
def test_relative_stability_by_hand_leaves_out_draws_of_another_prediction(metric, cause):
    readings = {
        "relative_map_distance": np.array([[9.0, 4.0, 3.0], [1, 1, 1], [2, 0, 0]]),
        cause: np.array([[1.0, 2.0, 3.0], [1, 1, 1], [0, 1, 1]]),
        "same_prediction": np.array([[0, 1, 1], [0, 0, 0], [1, 1, 1]]),
    }
    found = scores(metric, readings, least=0.5)
    assert found[[0, 2]].tolist() == [2, 4]
    assert np.isnan(found[1])
    assert scores(metric, readings, least=0.5, logarithm=True)[0] == pytest.approx(np.log(2))


def test_a_prediction_that_noise_turns_is_told(straight):
    """The logits differ by a hair, and the noise is large."""
    asked = straight("gradient")
    with torch.no_grad():
        asked.classifier.network[1].bias.zero_()
        asked.classifier.network[1].weight.mul_(0.01)
    asked.inputs = torch.full_like(asked.inputs, 0.5)
    same = probed("neighbours", asked, draws=50, radius=0.5)["same_prediction"]
    assert 0 < same.mean() < 1


def test_the_representation_is_that_of_any_layer(asked):
    one, other = (
        probed("neighbours", asked(), layer=layer)["relative_representation_distance"]
        for layer in ("block1", "flatten")
    )
    assert not np.isclose(one, other).any()


@pytest.mark.parametrize("options", [{"draws": 0}, {"distribution": "cauchy"}])
def test_what_cannot_be_drawn_is_refused(options, asked):
    with pytest.raises(ValueError, match="wanted: at least one, uniform or normal"):
        probed("neighbours", asked(), **options)


@pytest.mark.parametrize("probe", ["neighbours", "translations"])
def test_no_more_images_are_explained_at_a_time_than_the_probe_was_given(probe, asked):
    sizes = []

    def count(model, images, targets):
        sizes.append(len(images))
        return images

    probed(probe, asked(count))
    assert set(sizes) == {5}


def test_an_error_leaves_no_hook(asked):
    one = asked()
    one.inputs = torch.zeros(5, 1, 1, 1)
    with pytest.raises(RuntimeError):
        probed("neighbours", one, torch.zeros(5, 3, 9, 14))
    assert not any(module._forward_hooks for module in one.classifier.network.modules())


def test_continuity_by_hand(plain, ask):
    """One bright pixel moves by a column at a time, and is the map: the 1-norm of a move is 2, the 2-norm sqrt(2)."""
    image = torch.zeros(1, 1, 2, 4)
    image[..., 0, 0] = 1
    classifier = plain(nn.Sequential(nn.Flatten(), nn.Linear(8, 2)))
    one = ask(classifier, image, np.array([0]), torch.tensor([0]), method(the_image, classifier))
    readings = probed("translations", one, steps=3)
    assert np.allclose(readings["map_distance"], 2)
    assert np.allclose(readings["input_distance"], 2**0.5)
    assert scores("continuity", readings) == pytest.approx([2**0.5])
    one.inputs = torch.zeros_like(image)
    assert np.isnan(scores("continuity", probed("translations", one, torch.ones(1, 1, 2, 4), steps=3)))


def test_each_step_shows_the_image_further_to_the_right(asked):
    shown = []

    def spy(model, images, targets):
        shown.append(images.clone())
        return images

    one = asked(spy)
    probed("translations", one, steps=3, stride=2, fill="black")
    for step, images in enumerate(shown[1:], 1):
        assert torch.equal(images[..., 2 * step :], one.inputs[..., : -2 * step])
        assert torch.equal(images[..., : 2 * step], one.filled("black")[..., : 2 * step])


def test_the_known_region_moves_with_the_image(asked):
    one, seen = asked(), []

    def spy(model, images, targets, *, regions):
        seen.append(regions)
        return images

    regions = np.zeros((5, 9, 14), bool)
    regions[:, 2:4, 3:5] = True
    one.explain = method(spy, one.classifier, regions=regions)
    probed("translations", one, steps=2)
    assert [np.argwhere(each[0]).min(0).tolist() for each in seen] == [[2, 3], [2, 4], [2, 5]]


def test_an_image_is_not_moved_out_of_sight(asked):
    with pytest.raises(ValueError, match="fewer than 14 columns"):
        probed("translations", asked(), steps=7, stride=2)


@pytest.fixture
def one(plain, ask):
    """A network of one channel, which sees pixels as they are, about images in the middle of the range."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        classifier = plain(small_cnn.build((1, 8, 11), 3, width=4), "block3.2")
    inputs = 0.3 + 0.4 * torch.rand(4, 1, 8, 11, generator=torch.Generator().manual_seed(1))
    return ask(classifier, inputs, np.arange(4), torch.tensor([0, 1, 2, 0]), method("gradient", classifier))


def neighbours(asked, draws):
    """The images that the probe shows with its default radius."""
    generators = [noise.generator("neighbours", 0, int(image)) for image in asked.index]
    for _ in range(draws):
        drawn = torch.stack([torch.rand(asked.inputs.shape[1:], generator=each) for each in generators])
        yield (asked.inputs + 0.02 * (2 * drawn - 1)).numpy()


def by_quantus(name, asked, copies):
    """Scores by quantus's metric NAME, which is shown COPIES in the place of its own noise."""
    shown = iter(copies)
    noisy = {"perturb_func": lambda arr, indices, **_: next(shown).reshape(arr.shape)}
    return asked_of_quantus(name, asked, {"nr_samples": 3, "abs": False, "normalise": False, **noisy})


@pytest.mark.parametrize(
    ("metric", "name", "options"),
    [
        ("max_sensitivity", "MaxSensitivity", {}),
        ("avg_sensitivity", "AvgSensitivity", {}),
        ("local_lipschitz", "LocalLipschitzEstimate", {"relative": False}),
        ("relative_input_stability", "RelativeInputStability", {}),
        ("relative_output_stability", "RelativeOutputStability", {}),
    ],
)
def test_the_same_noise_gives_the_same_score_as_quantus(metric, name, options, one):
    readings = probed("neighbours", one, draws=3, epsilon=1e-9)
    assert (readings["same_prediction"] == 1).all()
    assert np.allclose(scores(metric, readings, **options), by_quantus(name, one, neighbours(one, 3)), rtol=1e-3)


def test_a_draw_of_another_prediction_is_left_out_where_quantus_leaves_the_image_without_a_score(one):
    search = 3 * torch.randn(500, 1, 8, 11, generator=torch.Generator().manual_seed(0))
    other = search[one.answer(search).argmax(1) != one.answer(one.inputs[:1]).argmax(1)][0]
    copies = list(neighbours(one, 3))
    copies[1][0] = other.numpy()
    assert np.isnan(by_quantus("RelativeInputStability", one, copies)).tolist() == [True, False, False, False]
    readings = probed("neighbours", one, draws=3)
    readings["same_prediction"][0, 1] = 0
    assert np.isfinite(scores("relative_input_stability", readings)).all()


def test_an_estimate_depends_on_the_other_images_where_quantus_scales_the_batch(one):
    """Its default divides all maps of a call by the largest value among them. The first image is a dark one."""
    one.inputs[0] *= 0.1
    one.explain = method(the_image, one.classifier)
    scaled, found = by_default("LocalLipschitzEstimate", one), scored("local_lipschitz", one)
    one.inputs, one.targets, one.index = one.inputs[:1], one.targets[:1], one.index[:1]
    assert by_default("LocalLipschitzEstimate", one)[0] > 5 * scaled[0]
    assert np.allclose(scored("local_lipschitz", one), found[:1])


def by_default(name, asked):
    """With the library's own settings but for the noise."""
    shown = iter(neighbours(asked, 3))
    return asked_of_quantus(
        name, asked, {"nr_samples": 3, "perturb_func": lambda arr, indices, **_: next(shown).reshape(arr.shape)}
    )


def test_the_same_call_gives_the_same_score_where_quantus_draws_from_the_global_state(one):
    first, second = (asked_of_quantus("MaxSensitivity", one, {"nr_samples": 3}) for _ in range(2))
    assert not np.allclose(first, second, rtol=1e-2)
    assert np.array_equal(scored("max_sensitivity", one), scored("max_sensitivity", one))


@pytest.mark.parametrize("metric", ["max_sensitivity", "relative_output_stability", "continuity", "random_logit"])
def test_the_workflow_scores_what_the_probe_reads_and_a_map_that_is_no_number_not_at_all(metric, asked, tmp_path):
    one = asked()
    model = one.classifier
    mean, deviation = (each[:, None, None] for each in (model.mean, model.deviation))
    # Bytes, as files of images hold them.
    data = ((one.inputs * deviation + mean) * 255).round().to(torch.uint8).numpy()
    one.inputs = model.normalise(data)
    maps = one.explain(one.inputs, one.targets).numpy()
    expected = scored(metric, one)
    maps[3, 1, 2, 2] = expected[3] = np.nan
    about = {"label": np.zeros(5, int), "index": one.index}
    told = {"attribution": maps, "target": one.targets.numpy(), "prediction": np.zeros((5, 4), np.float32)}
    artifacts.write(tmp_path / "images.h5", artifacts.IMAGES, {"data": data, **about}, {})
    artifacts.write(tmp_path / "maps.h5", artifacts.MAPS, {**told, **about}, {})
    module = registry.load("metrics", metric, {})
    with (
        artifacts.Reader(tmp_path / "images.h5", artifacts.IMAGES) as shown,
        artifacts.Reader(tmp_path / "maps.h5", artifacts.MAPS) as known,
        artifacts.Writer(tmp_path / "readings.h5", artifacts.READINGS, {}) as writer,
    ):
        probes = probing.probes({module.PROBE: {}})
        probing.ask(probes, model, shown, known, {module.PROBE: writer}, stop=5, rows=2, explainer=one.explain)
    found, _ = scoring.score(module.score, {"readings": tmp_path / "readings.h5"}, {}, 5)
    assert np.allclose(found, expected, rtol=5e-3, equal_nan=True)


def test_images_whose_prediction_a_move_changes_are_scored_where_quantus_stops(one):
    """Asked to leave them out, it wants a name that numpy 2 has no more."""
    with pytest.raises(AttributeError, match=r"np.NaN"):
        asked_of_quantus("Continuity", one, {"nr_steps": 3, "return_nan_when_prediction_changes": True})
    assert np.isfinite(scored("continuity", one)).all()
