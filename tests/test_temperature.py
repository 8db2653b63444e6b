"""Temperature: the best one by brute force, the same predictions, and logits that are scaled and nothing else."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch import nn
from torch.nn import functional

from saliency_benchmark import artifacts, calibration, fitting, registry, splitting, temperature, training
from saliency_benchmark import classifier as classifiers
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.training import Source
from tests import small


def planted(number, seed, sharpness=1.0, classes=5):
    """Logits (image, class), SHARPNESS times those whose softmax the labels were drawn from."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(number, classes, generator=generator)
    labels = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    return sharpness * logits, labels


def entropy(logits, labels, value):
    return functional.cross_entropy(logits.double() / value, labels).item()


@pytest.mark.parametrize("sharpness", [0.2, 1.0, 3.0, 20.0])
@pytest.mark.parametrize("seed", range(3))
def test_it_minimises_the_cross_entropy(sharpness, seed):
    logits, labels = planted(300, seed, sharpness)
    found = temperature.fitted(logits, labels)
    other = minimize_scalar(lambda value: entropy(logits, labels, np.exp(value)), bounds=(-4, 4), method="bounded",
                            options={"xatol": 1e-10})  # fmt: skip
    assert found == pytest.approx(np.exp(other.x), rel=1e-5)
    assert entropy(logits, labels, found) <= other.fun + 1e-12


def test_it_finds_the_sharpness_that_was_planted():
    logits, labels = planted(40000, 0, 3.0)
    # Two standard errors of the maximum likelihood estimate, by its curvature.
    information = temperature._slopes(logits.double(), labels, 1 / 3)[1] * len(labels)
    assert abs(1 / temperature.fitted(logits, labels) - 1 / 3) < 4 / information**0.5


def test_the_scale_of_the_logits_is_the_scale_of_the_temperature():
    logits, labels = planted(200, 0)
    assert temperature.fitted(7 * logits, labels) == pytest.approx(7 * temperature.fitted(logits, labels), rel=1e-6)


def test_the_slopes_are_those_of_finite_differences():
    logits, labels = planted(50, 1)
    logits, step = logits.double(), 1e-4
    low, mid, high = (entropy(logits, labels, 1 / (0.7 + move)) for move in (-step, 0, step))
    first, second = temperature._slopes(logits, labels, 0.7)
    assert first == pytest.approx((high - low) / (2 * step), rel=1e-6)
    assert second == pytest.approx((high - 2 * mid + low) / step**2, rel=1e-5)


@pytest.mark.parametrize("labels", [[0, 1, 0, 1], [1, 0, 1, 0]])
def test_all_right_or_all_wrong_has_no_best_temperature_and_that_is_told(labels, caplog):
    logits = torch.tensor([[2.0, 0], [0, 1], [3, 0], [0, 2]])
    assert temperature.fitted(logits, torch.tensor(labels)) == 1
    assert "no temperature between 0.01 and 100.0 is best" in caplog.text


class Given(nn.Module):
    """Gives the logits that its images' bytes number, through a layer that can be scaled."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits
        self.head = nn.Linear(logits.shape[1], logits.shape[1])
        with torch.no_grad():
            self.head.weight.copy_(torch.eye(logits.shape[1]))
            self.head.bias.zero_()

    def forward(self, images):
        return self.head(self.logits[images[:, 0, 0, 0].round().long() * 256 + images[:, 0, 0, 1].round().long()])


def mostly_right(logits):
    """Labels of which one in six is wrong: some temperature is best."""
    labels = logits.argmax(1)
    labels[::6] = logits.argmin(1)[::6]
    return labels


def source_of(network, number, labels):
    places = torch.arange(number)
    images = torch.stack([places // 256, places % 256], 1).reshape(-1, 1, 1, 2).byte()
    return Source(Classifier(network.eval(), torch.zeros(1), torch.full((1,), 1 / 255), ""), images, labels)


def test_an_overconfident_model_gets_better_calibrated_on_other_images_and_answers_as_before():
    told, unseen = planted(2000, 0, 4.0), planted(2000, 1, 4.0)
    network = Given(told[0])
    value = temperature.scale(source_of(network, 2000, told[1]))
    assert value == pytest.approx(temperature.fitted(*told))
    after = network.head(unseen[0]).detach()
    assert torch.allclose(after, unseen[0] / value, rtol=1e-5, atol=1e-6)
    assert torch.equal(after.argmax(1), unseen[0].argmax(1))
    before, now = (calibration.quality(each.softmax(1).numpy(), unseen[1].numpy()) for each in (unseen[0], after))
    assert now["accuracy"] == before["accuracy"]
    assert now["ece"] < 0.2 * before["ece"]
    assert now["classwise_ece"] < 0.5 * before["classwise_ece"]


@pytest.mark.parametrize("family", small.FAMILIES)
def test_logits_of_every_family_are_scaled_and_its_features_stay(family):
    images, network = small.images(family, 12), small.network(family)
    model = Classifier(network, torch.zeros(3), torch.ones(3), "")
    with torch.no_grad():
        before = network(images)
    source = Source(model, images, mostly_right(before))
    source.inputs = lambda index: images[index]
    value = temperature.scale(source)
    assert value != 1
    with torch.no_grad():
        assert torch.allclose(network(images), before / value, rtol=1e-4, atol=1e-5)
    fresh = small.network(family).state_dict()
    changed = {
        name.rpartition(".")[0] for name, values in network.state_dict().items() if not values.equal(fresh[name])
    }
    assert len(changed) == 1


class Normed(nn.Module):
    """Its last layer's scale is divided out again."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 3)

    def forward(self, images):
        return functional.normalize(self.head(images.flatten(1)))


@pytest.mark.parametrize("network", [Normed(), nn.Flatten()], ids=["normalised", "without layers"])
def test_a_network_whose_logits_no_last_layer_scales_is_refused(network):
    source = source_of(network, 20, torch.arange(20) % 2)
    source.labels = mostly_right(training.logits(source).clone())
    with pytest.raises(ValueError, match="no last layer of this model scales its logits: set"):
        temperature.scale(source)


@pytest.fixture(scope="module")
def runs(training_images, settings, baseline):
    """The same run with and without a temperature: source and course of each."""
    data, labels = training_images["data"][:400], training_images["label"][:400]
    told = fitting.description({"options": {"width": 4}}, "small_cnn", data, labels)
    more = settings | {"epochs": 3, "validation": 0.25}
    return told, [
        fitting.obtain(data, labels, told, baseline, 0, more | {"temperature": wanted}) for wanted in (False, True)
    ]


def test_a_run_fits_it_on_the_images_set_aside(runs, training_images):
    _, ((plain, _), (scaled, course)) = runs
    _, aside = splitting.split(training_images["label"][:400], 0.25, 0)
    held = fitting.source_of(plain.classifier, training_images["data"][aside], training_images["label"][aside])
    value = temperature.fitted(training.logits(held), held.labels)
    assert course.facts["temperature"] == value
    after = training.logits(fitting.source_of(scaled.classifier, training_images["data"][aside], held.labels.numpy()))
    assert torch.allclose(after, training.logits(held) / value, atol=1e-5)


def test_a_stored_model_gives_scaled_logits_and_tells_the_number(runs, tmp_path):
    told, (_, (scaled, course)) = runs
    classifiers.save(tmp_path / "model.h5", scaled.classifier, told, course.curves, {}, course.facts)
    assert artifacts.facts(tmp_path / "model.h5", artifacts.MODEL)["temperature"] == course.facts["temperature"]
    loaded = fitting.source_of(classifiers.load(tmp_path / "model.h5"), scaled.images.numpy(), scaled.labels.numpy())
    assert torch.equal(training.logits(loaded), training.logits(scaled))


@pytest.mark.parametrize("method", ["gradient", "grad_cam", "lrp_epsilon_plus", "occlusion"])
def test_maps_of_logits_change_by_the_same_factor_and_only_by_it(method, runs, images):
    from saliency_benchmark import attribution

    _, ((plain, _), (scaled, course)) = runs
    attribute = registry.load("methods", method, {}).attribute
    inputs = plain.classifier.normalise(images["data"][:4])
    targets = plain.classifier.network(inputs).argmax(1)
    one, other = (
        attribution.maps_of(attribute, each.classifier, inputs, targets, output="logit") for each in (plain, scaled)
    )
    assert torch.allclose(other * course.facts["temperature"], one, rtol=1e-3, atol=1e-4 * one.abs().max())
