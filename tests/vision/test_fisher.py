from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from releaf.vision.descriptors import Descriptors, describe
from releaf.vision.fisher import FisherEncoder, Vocabulary, fit_encoder, joined


def vocabulary(seed: int = 0, words: int = 3, width: int = 4, axes: int = 2) -> Vocabulary:
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(words))
    arrays = (
        rng.normal(size=width),
        np.linalg.qr(rng.normal(size=(width, axes)))[0].T,
        weights,
        rng.normal(size=(words, axes + 2)),
        rng.uniform(0.5, 1.5, size=(words, axes + 2)),
    )
    return Vocabulary(*(values.astype(np.float32) for values in arrays))


def test_the_vector_is_the_normalized_gradient_of_the_log_likelihood():
    """Against a numerical derivative of the mean ln p by means and deviations, times the Fisher information's root."""
    words = vocabulary()
    rng = np.random.default_rng(1)
    descriptors, place = rng.normal(size=(20, 4)).astype(np.float32), rng.uniform(-0.5, 0.5, (20, 2)).astype(np.float32)
    x = np.concatenate([(descriptors - words.centre) @ words.axes.T, place], axis=1).astype(np.float64)
    weights = words.weights.astype(np.float64)

    def likelihood(means: np.ndarray, deviations: np.ndarray) -> float:
        densities = norm.pdf(x[:, None, :], means, deviations).prod(axis=2)
        return float(np.log(densities @ weights).mean())

    means, deviations = words.means.astype(np.float64), words.deviations.astype(np.float64)
    by_mean, by_deviation = np.zeros_like(means), np.zeros_like(means)
    for place_ in np.ndindex(means.shape):
        step = np.zeros_like(means)
        step[place_] = 1e-5
        by_mean[place_] = (likelihood(means + step, deviations) - likelihood(means - step, deviations)) / 2e-5
        by_deviation[place_] = (likelihood(means, deviations + step) - likelihood(means, deviations - step)) / 2e-5
    root = np.sqrt(weights)[:, None]
    raw = np.concatenate([(by_mean * deviations / root).ravel(), (by_deviation * deviations / root / 2**0.5).ravel()])
    powered = np.sign(raw) * np.sqrt(np.abs(raw))
    np.testing.assert_allclose(words.encode(descriptors, place), powered / np.linalg.norm(powered), atol=2e-3)


def test_the_vector_is_that_of_the_formula_in_double_precision():
    """Sums over patches as Perronnin et al. 2010 write them, at the size that a picture has."""
    words, rng = vocabulary(seed=4, words=32, width=96, axes=48), np.random.default_rng(4)
    descriptors, place = rng.normal(size=(900, 96)).astype(np.float32), rng.uniform(-0.5, 0.5, (900, 2))
    weights, means, deviations = (
        values.astype(np.float64) for values in (words.weights, words.means, words.deviations)
    )
    x = np.concatenate([(descriptors.astype(np.float64) - words.centre) @ words.axes.T, place], axis=1)
    logs = np.log(weights) + norm.logpdf(x[:, None, :], means, deviations).sum(axis=2)
    shares = np.exp(logs - logs.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    away = (x[:, None, :] - means) / deviations
    by_mean = np.einsum("pk,pkd->kd", shares, away) / (900 * np.sqrt(weights)[:, None])
    by_deviation = np.einsum("pk,pkd->kd", shares, away**2 - 1) / (900 * np.sqrt(2 * weights)[:, None])
    raw = np.concatenate([by_mean.ravel(), by_deviation.ravel()])
    powered = np.sign(raw) * np.sqrt(np.abs(raw))
    found = words.encode(descriptors, place.astype(np.float32))
    np.testing.assert_allclose(found, powered / np.linalg.norm(powered), atol=1e-4)


def test_the_order_of_patches_and_repeating_all_of_them_change_nothing():
    words, rng = vocabulary(), np.random.default_rng(2)
    x, place = rng.normal(size=(30, 4)).astype(np.float32), rng.uniform(-0.5, 0.5, (30, 2)).astype(np.float32)
    once, order = words.encode(x, place), rng.permutation(30)
    np.testing.assert_allclose(words.encode(x[order], place[order]), once, atol=1e-5)
    np.testing.assert_allclose(words.encode(np.tile(x, (2, 1)), np.tile(place, (2, 1))), once, atol=1e-5)
    assert np.linalg.norm(once) == pytest.approx(1.0, rel=1e-5)
    assert once.shape == (words.width,)


def sample(count: int = 6) -> Descriptors:
    rng = np.random.default_rng(3)
    return joined([describe(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)) for _ in range(count)])


def test_fitting_twice_gives_the_same_vocabularies():
    first, second = (fit_encoder(sample(), words=4, gradient_axes=8, colour_axes=6, seed=0) for _ in range(2))
    for own, other in ((first.gradient, second.gradient), (first.colour, second.colour)):
        assert all(np.array_equal(values, other.arrays("")[name]) for name, values in own.arrays("").items())
    assert first.width == 2 * 4 * (8 + 2) + 2 * 4 * (6 + 2)


def test_a_sample_smaller_than_the_vocabulary_gives_a_smaller_one():
    tiny = Descriptors(*(values[:3] for values in sample(1)))
    encoder = fit_encoder(tiny, words=16, gradient_axes=8, colour_axes=6, seed=0)
    assert encoder.gradient.weights.shape == (3,)
    assert np.isfinite(encoder.encode(tiny)).all()


def test_arrays_bring_a_vocabulary_back_and_a_missing_one_is_named():
    words = vocabulary()
    arrays = words.arrays("colour")
    back = Vocabulary.of_arrays(arrays, "colour")
    assert all(np.array_equal(values, back.arrays("colour")[name]) for name, values in arrays.items())
    del arrays["colour.means"]
    with pytest.raises(KeyError, match=r"colour\.means"):
        Vocabulary.of_arrays(arrays, "colour")


def test_a_picture_is_the_gradients_vector_beside_the_colours():
    encoder = fit_encoder(sample(), words=4, gradient_axes=8, colour_axes=6, seed=0)
    found = describe(np.zeros((20, 20, 3), dtype=np.uint8))
    whole = FisherEncoder(encoder.gradient, encoder.colour).encode(found)
    np.testing.assert_array_equal(whole[: encoder.gradient.width], encoder.gradient.encode(found.gradient, found.place))
    np.testing.assert_array_equal(whole[encoder.gradient.width :], encoder.colour.encode(found.colour, found.place))
