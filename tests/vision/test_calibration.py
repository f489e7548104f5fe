from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax

from releaf.taxonomy import Taxonomy
from releaf.vision.blend import Evidence, Weights, blended, pooled
from releaf.vision.calibration import ENOUGH, calibrate, fit_weights
from releaf.vision.data import LABELS, ClassNames
from releaf.vision.probabilities import label_log_probabilities


def drawn(p: np.ndarray, seed: int = 0) -> np.ndarray:
    """One class a row, drawn from the probabilities of the row."""
    return (p.cumsum(axis=1) > np.random.default_rng(seed).random((len(p), 1))).argmax(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float):
    logits = np.random.default_rng(0).normal(size=(4000, 5)) * 3
    truth = drawn(np.exp(log_softmax(logits / temperature, axis=1)))
    found = fit_weights(Evidence({"item": log_softmax(logits, axis=1)}, {}), "item", truth)
    assert 1 / found.network == pytest.approx(temperature, rel=0.08)
    assert found.descriptors == 0.0


def test_both_weights_that_made_the_labels_are_found():
    rng = np.random.default_rng(1)
    given = Evidence(
        {"item": log_softmax(rng.normal(size=(6000, 5)), axis=1)},
        {"item": rng.normal(scale=0.3, size=(6000, 5)).astype(np.float32)},
    )
    truth = drawn(np.exp(pooled(given, "item", Weights(0.8, 6.0))))
    found = fit_weights(given, "item", truth)
    assert found.network == pytest.approx(0.8, abs=0.08)
    assert found.descriptors == pytest.approx(6.0, rel=0.08)


def test_a_witness_that_knows_nothing_gets_no_weight():
    rng = np.random.default_rng(2)
    scores = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 3000)]
    noise = rng.normal(size=(3000, 5))
    truth = drawn(np.exp(log_softmax(4.0 * scores, axis=1)))
    found = fit_weights(Evidence({"item": log_softmax(noise, axis=1)}, {"item": scores}), "item", truth)
    assert found.network < 0.06
    assert found.descriptors == pytest.approx(4.0, rel=0.08)


def test_no_picture_leaves_the_network_alone():
    given = Evidence({"item": np.empty((0, 5))}, {})
    assert fit_weights(given, "item", np.empty(0, dtype=np.int64)) == Weights(1.0, 0.0)


def test_a_handful_of_right_answers_does_not_make_it_certain():
    given = Evidence({"item": log_softmax(np.eye(5)[[0, 1]] * 2, axis=1)}, {})
    assert fit_weights(given, "item", np.array([0, 1])).network < 3


def overconfident(names: ClassNames, n: int) -> tuple[Evidence, np.ndarray]:
    rng = np.random.default_rng(3)
    item = rng.normal(size=(n, 20)) * 2
    labels = np.full((n, 4), -1)
    labels[:, 0] = drawn(np.exp(log_softmax(item / 2, axis=1)))
    logits = {"item": item * 3, "material": np.zeros((n, 15)), "bin": np.zeros((n, 4))}
    return Evidence(label_log_probabilities(logits, names), {}), labels


def test_calibration_lowers_the_error_of_an_overconfident_label_and_changes_no_prediction(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    given, labels = overconfident(names, 1500)
    found = calibrate(given, labels, ["rendered"] * 1500, names)
    assert 1 / found.weights["item"].network == pytest.approx(6.0, rel=0.15)
    assert found.weights["bin"] == Weights()
    assert found.ece_after["item"] < 0.05 < found.ece_before["item"]
    assert set(found.ece_after) == {"item"}
    before, after = blended(given, {}, names), blended(given, found.weights, names)
    assert (before["item"].argmax(1) == after["item"].argmax(1)).all()


def test_where_enough_photographs_know_a_label_rendered_pictures_have_no_say(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    given, labels = overconfident(names, 3 * ENOUGH)
    photographs = ["photograph"] * ENOUGH + ["rendered"] * (2 * ENOUGH)
    wrong = labels.copy()
    wrong[ENOUGH:, 0] = 0
    alone = calibrate(given.rows(np.arange(ENOUGH)), labels[:ENOUGH], photographs[:ENOUGH], names)
    assert calibrate(given, wrong, photographs, names).weights["item"] == alone.weights["item"]
    few = ["photograph"] * (ENOUGH - 1) + ["rendered"] * (2 * ENOUGH + 1)
    assert calibrate(given, wrong, few, names).weights["item"] != alone.weights["item"]


def test_every_label_has_weights(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    given, labels = overconfident(names, 50)
    assert set(calibrate(given, labels, ["rendered"] * 50, names).weights) == set(LABELS)
