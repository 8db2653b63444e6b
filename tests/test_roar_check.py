"""The 16-dimensional check of the protocol: published figures, and the closed form of every accuracy."""

import numpy as np
import pytest

from saliency_benchmark import roar_check


@pytest.fixture(scope="module")
def found():
    table = roar_check.table(examples=20000, orders=5)
    return table.set_index(["order", "retrained", "removed"])["accuracy"].sort_index() * 100


def test_with_retraining_the_true_order_is_flat_to_three_and_at_chance_with_four(found):
    curve = found["truth", True]
    assert curve[:4].tolist() == pytest.approx([99.9] * 4, abs=0.4)
    assert curve[4:].tolist() == pytest.approx([50] * 13, abs=1.2)


def test_with_retraining_the_inverted_order_is_flat_to_thirteen(found):
    curve = found["inverted", True]
    assert curve[:14].tolist() == pytest.approx([99.9] * 14, abs=0.4)
    assert curve[14:16].tolist() == pytest.approx([82, 60], abs=1.5)
    assert curve[16] == 50


def test_without_retraining_the_inverted_order_falls_at_once(found):
    """What makes a wrong order look good."""
    assert found["inverted", False][[0, 1, 4, 8]].tolist() == pytest.approx([99.9, 87, 78, 72], abs=1.5)


@pytest.mark.parametrize("retrained", [True, False])
def test_each_accuracy_is_the_arcsine_of_a_correlation(retrained):
    """For normal numbers P(sign of u = sign of z) = 1/2 + asin(corr(u, z)) / pi; the fit is the population's."""
    rng = np.random.default_rng(0)
    order = rng.permutation(16)
    curve = roar_check.accuracies(roar_check.data(50000, rng), roar_check.data(50000, rng), order, retrained)
    # An entry is a row of loads on z, h and e.
    loads = np.stack([roar_check.SIGNAL / 10, roar_check.DISTRACTION, np.full(16, 0.1)], 1)
    for removed in range(16):
        left = loads * ~np.isin(np.arange(16), order[:removed])[:, None]
        seen = left if retrained else loads
        weights = np.linalg.pinv(seen.T, rcond=1e-9) @ np.array([1, 0, 0]) if np.linalg.matrix_rank(seen) == 3 else (
            np.linalg.pinv(seen @ seen.T, rcond=1e-9) @ seen[:, 0]
        )  # fmt: skip
        u = weights @ left
        expected = 0.5 + np.arcsin(np.clip(u[0] / np.linalg.norm(u), -1, 1)) / np.pi if u.any() else 0.5
        assert curve[removed] == pytest.approx(expected, abs=0.012)


def test_the_random_order_lies_between_the_true_and_the_inverted_one(found):
    means = found.groupby(level=["order", "retrained"]).mean().xs(True, level="retrained")
    assert means["truth"] < means["random"] < means["inverted"]
