"""Samples of images, and the interval that follows from them: scipy's, and by hand."""

import numpy as np
import pytest
from scipy import stats

from saliency_benchmark import bootstrap


def test_a_sample_has_as_many_images_as_there_are_each_as_often_as_any():
    """Multinomial: mean 1, variance 1 - 1/n, covariance -1/n."""
    drawn = np.concatenate(list(bootstrap.samples(20, 20_000, seed=0)))
    assert (drawn.sum(1) == 20).all()
    deviation = (0.95 / 20_000) ** 0.5
    assert (abs(drawn.mean(0) - 1) < 4 * deviation).all()
    covariance = np.cov(drawn.T)
    assert np.diag(covariance) == pytest.approx(np.full(20, 0.95), abs=0.06)
    assert covariance[~np.eye(20, dtype=bool)] == pytest.approx(np.full(380, -0.05), abs=0.04)


@pytest.mark.parametrize("images", [7, 3000])
def test_the_same_seed_draws_the_same_samples_and_another_draws_others(images):
    first, again, other = (np.concatenate(list(bootstrap.samples(images, 2000, seed))) for seed in (0, 0, 1))
    assert first.shape == (2000, images)
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    if images == 3000:  # in two blocks, which differ
        assert len(np.unique(first, axis=0)) == 2000


def test_each_image_is_left_out_once():
    identity = bootstrap.left_out(lambda weights: weights, 30)
    assert np.array_equal(identity, 1 - np.eye(30))


def test_many_images_are_left_out_in_interleaved_groups_of_one_size():
    out = 1 - bootstrap.left_out(lambda weights: weights, 2500)
    assert out.shape == (834, 2500)
    assert (out.sum(0) == 1).all()
    assert set(out.sum(1)) == {2, 3}
    assert np.array_equal(np.flatnonzero(out[5]), [5, 839, 1673])


@pytest.mark.parametrize("images", [300, 2000])
def test_the_interval_of_a_statistic_is_scipys_but_for_chance(images):
    values = np.random.default_rng(0).exponential(size=images)

    def spread(weights):
        mean = weights @ values / images
        return weights @ values**2 / images - mean**2

    found = bootstrap.interval(spread, images, confidence=0.9, resamples=8000, seed=0)
    options = {"n_resamples": 8000, "confidence_level": 0.9, "batch": 500, "rng": np.random.default_rng(1)}
    other = stats.bootstrap((values,), np.var, vectorized=True, **options).confidence_interval
    assert found == pytest.approx((other.low, other.high), abs=0.07 * (other.high - other.low))


def test_an_interval_of_one_image_or_none_is_not_known():
    for images in (0, 1):
        found = bootstrap.interval(lambda weights: weights.sum(1), images, confidence=0.9, resamples=100, seed=0)
        assert np.isnan(found).all()


@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_bca_is_scipys_on_the_same_replicates(confidence):
    values = np.random.default_rng(0).exponential(size=40)
    drawn = stats.bootstrap((values,), np.mean, n_resamples=4000, rng=np.random.default_rng(1), method="BCa")
    other = stats.bootstrap(
        (values,), np.mean, n_resamples=0, bootstrap_result=drawn, method="BCa", confidence_level=confidence
    ).confidence_interval
    left_out = np.array([np.delete(values, place).mean() for place in range(40)])
    found = bootstrap.bca(values.mean(), drawn.bootstrap_distribution, left_out, confidence)
    assert found == pytest.approx((other.low, other.high), abs=1e-9)


def test_the_interval_of_a_mean_is_scipys_but_for_chance_and_leaves_the_invalid_out():
    values = np.random.default_rng(0).exponential(size=60)
    options = {"confidence": 0.95, "resamples": 20000, "seed": 0}
    found = bootstrap.mean_interval(np.concatenate([values, [np.nan, np.inf]]), **options)
    other = stats.bootstrap((values,), np.mean, n_resamples=20000, rng=np.random.default_rng(1), method="BCa")
    assert found == pytest.approx(tuple(other.confidence_interval), abs=0.03 * values.std())
    assert found == bootstrap.mean_interval(values, **options)
    assert np.isnan(bootstrap.mean_interval(np.array([1.0, np.nan]), **options)).all()
