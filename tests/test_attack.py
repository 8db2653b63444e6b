"""Adversarial images: inside the ball, inside the picture, and worse for the model."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from saliency_benchmark import assessment, attack, noise, perturbing

RADIUS = 1 / 255


def pixels(classifier, inputs):
    return inputs * classifier.deviation[:, None, None] + classifier.mean[:, None, None]


def losses(classifier, inputs, labels):
    with torch.no_grad():
        return functional.cross_entropy(classifier.network(inputs), labels, reduction="none")


@pytest.fixture(scope="session")
def labels(images):
    return torch.from_numpy(images["label"]).long()


@pytest.mark.parametrize("radius", [RADIUS, 8 / 255])
@pytest.mark.parametrize("random_start", [True, False])
def test_stays_in_the_ball_and_in_the_picture_and_raises_every_loss(radius, random_start, classifier, inputs, labels):
    more = {"radius": radius, "random_start": random_start}
    found = attack.pgd(classifier, inputs, labels, noise.generator(0), **more)
    moved = pixels(classifier, found) - pixels(classifier, inputs)
    assert moved.abs().max() <= radius + 1e-6
    assert pixels(classifier, found).min() >= -1e-6
    assert pixels(classifier, found).max() <= 1 + 1e-6
    assert (losses(classifier, found, labels) > losses(classifier, inputs, labels)).all()


def test_is_worse_than_chance_within_the_same_ball(classifier, inputs, labels):
    scattered = (2 * torch.rand(inputs.shape, generator=noise.generator(1)) - 1).sign() * RADIUS
    scattered = inputs + scattered / classifier.deviation[:, None, None]
    found = attack.pgd(classifier, inputs, labels, noise.generator(0))
    gain = losses(classifier, found, labels) - losses(classifier, scattered, labels)
    assert gain.mean() > 3 * gain.std() / len(gain) ** 0.5


def test_against_a_linear_model_every_pixel_goes_to_the_corner(linear):
    model, generator = linear((1, 4, 6), classes=2), noise.generator("images")
    model.mean, model.deviation = torch.tensor([0.4]), torch.tensor([0.3])
    clean, labels = torch.rand((8, 1, 4, 6), generator=generator), torch.arange(8) % 2
    clean[:, :, 0, :2], clean[:, :, 1, :2] = 0, 1
    found = attack.pgd(model, (clean - 0.4) / 0.3, labels, generator)
    weights = model.network[1].weight.detach()
    away = (weights[1 - labels] - weights[labels]).sign().reshape(clean.shape)
    assert torch.allclose(pixels(model, found), (clean + RADIUS * away).clamp(0, 1), atol=1e-6)


def test_no_radius_is_no_attack_and_no_steps_a_random_start(classifier, inputs, labels):
    still = attack.pgd(classifier, inputs, labels, noise.generator(0), radius=0)
    assert torch.allclose(still, inputs, atol=1e-5)
    start = attack.pgd(classifier, inputs, labels, noise.generator(0), steps=0)
    moved = ((pixels(classifier, start) - pixels(classifier, inputs)) / RADIUS)[pixels(classifier, inputs) > 0.02]
    assert abs(moved.mean()) < 4 * (1 / 3 / moved.numel()) ** 0.5
    assert moved.var().item() == pytest.approx(1 / 3, rel=0.02)


def test_without_a_random_start_no_chance_is_used_and_no_steps_are_no_attack(classifier, inputs, labels):
    generator = noise.generator(0)
    before = generator.get_state()
    first = attack.pgd(classifier, inputs[:8], labels[:8], generator, random_start=False)
    assert torch.equal(generator.get_state(), before)
    assert torch.equal(first, attack.pgd(classifier, inputs[:8], labels[:8], noise.generator(1), random_start=False))
    still = attack.pgd(classifier, inputs[:8], labels[:8], generator, random_start=False, steps=0)
    assert torch.allclose(still, inputs[:8], atol=1e-5)


def test_one_step_without_a_random_start_is_the_fast_gradient_sign(classifier, inputs, labels):
    """Goodfellow et al., 2015."""
    found = attack.pgd(classifier, inputs, labels, noise.generator(0), step=RADIUS, steps=1, random_start=False)
    leaf = inputs.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(functional.cross_entropy(classifier.network(leaf), labels), leaf)
    expected = (pixels(classifier, inputs) + RADIUS * gradient.sign()).clamp(0, 1)
    assert torch.allclose(pixels(classifier, found), expected, atol=1e-6)


@pytest.mark.parametrize("random_start", [True, False])
def test_a_pixel_outside_the_picture_ends_at_its_edge(random_start, classifier, inputs, labels):
    outside = inputs[:4].clone()
    outside[:, :, 0] = classifier.white()[:, None] + 0.5
    outside[:, :, 1] = classifier.black()[:, None] - 0.5
    found = attack.pgd(classifier, outside, labels[:4], noise.generator(0), random_start=random_start)
    assert torch.allclose(pixels(classifier, found)[:, :, 0], torch.ones(()), atol=1e-6)
    assert torch.allclose(pixels(classifier, found)[:, :, 1], torch.zeros(()), atol=1e-6)


def test_the_same_chance_gives_the_same_images_and_the_model_is_restored(classifier, inputs, labels):
    network = classifier.network.train()
    try:
        before = {name: values.clone() for name, values in network.state_dict().items()}
        first, second, third = (
            attack.pgd(classifier, inputs[:8], labels[:8], noise.generator(seed)) for seed in (0, 0, 1)
        )
        assert all(module.training for module in network.modules())
        assert all(parameter.grad is None for parameter in network.parameters())
        assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    finally:
        network.eval()
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


class Broken(nn.Module):
    """Fails at its third pass."""

    def __init__(self):
        super().__init__()
        self.head, self.passes = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(6), nn.Dropout(), nn.Linear(6, 2)), 0

    def forward(self, images):
        self.passes += 1
        if self.passes == 3:
            raise ValueError("no more")
        return self.head(images)


def test_the_model_is_restored_after_an_error_too(plain):
    model = plain(Broken())
    network = model.network.train()
    network.head[1].eval()
    network.head[3].weight.requires_grad_(False)
    network.head[3].bias.grad = torch.ones(2)
    before = {name: values.clone() for name, values in network.state_dict().items()}
    handle = network.head.register_forward_hook(lambda *_: None)
    with pytest.raises(ValueError, match="no more"):
        attack.pgd(model, torch.rand(4, 1, 2, 3), torch.arange(4) % 2, noise.generator(0))
    assert [module.training for module in network.modules()] == [True, True, True, False, True, True]
    assert [parameter.requires_grad for parameter in network.parameters()] == [True, True, False, True]
    assert torch.equal(network.head[3].bias.grad, torch.ones(2))
    assert all(torch.equal(values, before[name]) for name, values in network.state_dict().items())
    assert list(network.head._forward_hooks) == [handle.id]


def test_the_assessment_puts_clean_before_masked_and_adversarial(classifier, images):
    answers = assessment.answers(classifier, images["data"], images["label"], seed=0)
    keys = {"dataset": "planted", "seed": 0}
    table = assessment.quality(answers, images["label"], keys)
    clean, masked, adversarial = table["accuracy"]
    assert table["input"].tolist() == ["clean", "masked", "adversarial"]
    assert clean > max(masked, adversarial)
    assert list(table.columns) == ["dataset", "seed", "input", "accuracy", "ece", "adaptive_ece", "classwise_ece"]
    again = assessment.answers(classifier, images["data"], images["label"], seed=0)
    assert all(np.array_equal(again[kind], answers[kind]) for kind in answers)


def test_the_diagram_of_every_kind_of_input_holds_all_images_and_gives_its_error(classifier, images):
    answers = assessment.answers(classifier, images["data"], images["label"], seed=0)
    table = assessment.diagrams(answers, images["label"], {"seed": 0})
    errors = assessment.quality(answers, images["label"], {}).set_index("input")["ece"]
    assert table.columns.tolist() == ["seed", "input", "bin", "low", "high", "confidence", "accuracy", "images"]
    for kind, part in table.groupby("input"):
        assert part["images"].sum() == len(images["label"])
        weighted = (part["images"] * (part["accuracy"] - part["confidence"]).abs()).sum() / part["images"].sum()
        assert weighted == pytest.approx(errors[kind])


def test_masked_images_of_the_assessment_are_those_of_fp_whatever_the_recipe(classifier, images, inputs):
    answers = assessment.answers(classifier, images["data"], images["label"], seed=3)
    with torch.no_grad(), perturbing.features_of(classifier.network, classifier.layer, inputs) as features:
        classifier.network(inputs)
        masked = perturbing.draw(inputs, features[0], noise.generator("assessment", 3))
        assert np.allclose(classifier.network(masked).softmax(1), answers["masked"], atol=1e-6)
