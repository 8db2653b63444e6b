"""Losses: by hand, against finite differences, and finite where probabilities are 0 or 1."""

import math

import pytest
import torch
from torch.nn import functional

from saliency_benchmark import losses

NAMES = ["cross_entropy", "label_smoothing", "focal", "adaptive_focal", "flsd_53"]


def logits_of(*probabilities):
    """Logits of two classes, the true one (0) with these probabilities."""
    likely = torch.tensor(probabilities, dtype=torch.float64)
    return torch.stack([likely.log(), (1 - likely).log()], 1)


@pytest.fixture
def batch():
    """Logits (image, class) whose true classes have probabilities on every side of the steps; labels."""
    generator = torch.Generator().manual_seed(0)
    logits = 2 * torch.randn(40, 5, generator=generator, dtype=torch.float64)
    labels = torch.randint(5, (40,), generator=generator)
    likely = logits.softmax(1).gather(1, labels[:, None])[:, 0]
    assert all(((low < likely) & (likely < high)).any() for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 1)))
    assert min((likely - step).abs().min() for step in (0.2, 0.5)) > 1e-3
    return logits, labels


@pytest.mark.parametrize(
    ("name", "gammas"),
    [("adaptive_focal", [5, 5, 3, 3, 1, 1]), ("flsd_53", [5, 5, 3, 3, 3, 3]), ("focal", [2.5] * 6)],
)
def test_gamma_by_the_probability_of_the_true_class(name, gammas):
    likely = [0.01, 0.199, 0.201, 0.499, 0.501, 0.9]
    criterion = losses.named(name, gamma=2.5)
    for one, gamma in zip(likely, gammas, strict=True):
        by_hand = -((1 - one) ** gamma) * math.log(one)
        assert criterion(logits_of(one), torch.tensor([0])).item() == pytest.approx(by_hand, rel=1e-9)


def test_a_step_belongs_to_the_gamma_above_it():
    """0.2 and 0.5 in binary: [log p, log 1 - p] of a half is exact, of a fifth it is its own nearest number."""
    half = torch.zeros(1, 2, dtype=torch.float64)
    assert losses.named("adaptive_focal")(half, torch.tensor([0])).item() == pytest.approx(-0.5 * math.log(0.5))
    fifth = torch.zeros(1, 5, dtype=torch.float64)
    likely = (-functional.cross_entropy(fifth, torch.tensor([0]))).exp().item()
    gamma = 5 if likely < 0.2 else 3
    expected = -((1 - likely) ** gamma) * math.log(likely)
    assert losses.named("flsd_53")(fifth, torch.tensor([0])).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_is_the_mean_of_its_images(name, batch):
    logits, labels = batch
    alone = [losses.named(name)(logits[[place]], labels[[place]]) for place in range(len(labels))]
    assert torch.allclose(losses.named(name)(logits, labels), torch.stack(alone).mean())


def test_without_gamma_and_without_smoothing_it_is_cross_entropy(batch):
    logits, labels = batch
    expected = functional.cross_entropy(logits, labels)
    assert torch.equal(losses.named("focal", gamma=0.0)(logits, labels), expected)
    assert torch.equal(losses.named("label_smoothing", smoothing=0.0)(logits, labels), expected)
    assert torch.equal(losses.named("cross_entropy")(logits, labels), expected)


def test_smoothed_labels_lie_partly_on_every_class(batch):
    logits, labels = batch
    target = 0.9 * functional.one_hot(labels, 5) + 0.1 / 5
    expected = -(target * logits.log_softmax(1)).sum(1).mean()
    assert torch.allclose(losses.named("label_smoothing", smoothing=0.1)(logits, labels), expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_gradient_is_that_of_finite_differences(name, batch):
    logits, labels = batch
    assert torch.autograd.gradcheck(lambda values: losses.named(name)(values, labels), logits.requires_grad_(True))


@pytest.mark.parametrize("gamma", [0.5, 1.0, 3.0])
def test_the_gradient_flows_through_both_probabilities(gamma):
    """By hand: d/dp of -(1 - p)^g log p is g (1 - p)^(g - 1) log p - (1 - p)^g / p, and dp/dz = p (1 - p)."""
    likely = 0.3
    logits = logits_of(likely).requires_grad_(True)
    (found,) = torch.autograd.grad(losses.named("focal", gamma=gamma)(logits, torch.tensor([0])), logits)
    slope = gamma * (1 - likely) ** (gamma - 1) * math.log(likely) - (1 - likely) ** gamma / likely
    by_hand = slope * likely * (1 - likely)
    assert found.tolist()[0] == pytest.approx([by_hand, -by_hand])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("margin", [0.0, 20.0, 100.0, 1e4, -20.0, -100.0, -1e4])
def test_value_and_gradient_are_finite_however_sure_the_network_is(name, gamma, margin):
    logits = torch.tensor([[margin, 0.0, 0.0]], requires_grad=True)
    value = losses.named(name, gamma=gamma)(logits, torch.tensor([0]))
    (gradient,) = torch.autograd.grad(value, logits)
    assert value.isfinite()
    assert gradient.isfinite().all()
    if margin < -50 and name != "label_smoothing":
        # Sure and wrong: the loss is a line, and pulls with all its weight.
        assert value.item() == pytest.approx(-margin + math.log(2), rel=1e-5)
        assert gradient[0, 0].item() == pytest.approx(-1)


def test_a_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(ValueError, match="no loss 'focus'; there are: cross_entropy, label_smoothing, focal, adaptive"):
        losses.named("focus")
