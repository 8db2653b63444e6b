"""Adversarial images: inside the ball, inside the picture, and worse for the model."""

import pytest
import torch
from torch.nn import functional

from saliency_benchmark import assessment, attack, noise

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
def test_stays_in_the_ball_and_in_the_picture_and_raises_every_loss(radius, classifier, inputs, labels):
    found = attack.pgd(classifier, inputs, labels, noise.generator(0), radius=radius)
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


def test_the_assessment_puts_clean_before_masked_and_adversarial(classifier, images):
    rows = assessment.assess(classifier, images["data"], images["label"], seed=0)
    clean, masked, adversarial = (row["accuracy"] for row in rows)
    assert [row["input"] for row in rows] == ["clean", "masked", "adversarial"]
    assert clean > max(masked, adversarial)
    assert rows == assessment.assess(classifier, images["data"], images["label"], seed=0)
