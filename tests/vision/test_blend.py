from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from releaf.taxonomy import Taxonomy
from releaf.vision.blend import Evidence, Weights, blended, pooled
from releaf.vision.data import LABELS, ClassNames
from releaf.vision.probabilities import label_log_probabilities


def evidence(names: ClassNames, n: int = 6, seed: int = 0) -> Evidence:
    rng = np.random.default_rng(seed)
    logits = {head: rng.normal(size=(n, names.counts[head])) for head in ("item", "material", "bin")}
    scores = {label: rng.normal(size=(n, names.counts[label])).astype(np.float32) for label in LABELS}
    return Evidence(label_log_probabilities(logits, names), scores)


def test_the_pool_is_the_weighted_sum_of_logarithms(taxonomy: Taxonomy):
    given = evidence(ClassNames.of(taxonomy))
    found = pooled(given, "item", Weights(0.7, 3.0))
    expected = log_softmax(0.7 * given.network["item"] + 3.0 * given.descriptors["item"], axis=1)
    np.testing.assert_allclose(found, expected)


def test_without_weights_the_network_speaks_alone(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    given = evidence(names)
    for label, values in blended(given, {}, names).items():
        np.testing.assert_allclose(values, np.exp(given.network[label]), atol=1e-12)


def test_a_family_is_the_sum_of_its_materials_and_follows_its_own_weights(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    given = evidence(names)
    found = blended(given, {"family": Weights(0.0, 4.0), "material": Weights(2.0)}, names)
    with_material = sorted(set(names.family_of_material))
    expected = softmax(4.0 * given.descriptors["family"][:, with_material].astype(np.float64), axis=1)
    np.testing.assert_allclose(found["family"][:, with_material], expected, rtol=1e-6)
    metal = [k for k, family in enumerate(names.family_of_material) if names.family[family] == "metal"]
    inside = softmax(2.0 * given.network["material"][:, metal], axis=1)
    own = found["material"][:, metal]
    np.testing.assert_allclose(own / own.sum(axis=1, keepdims=True), inside, rtol=1e-6)


@pytest.mark.parametrize("weights", [Weights(0.0, 0.0), Weights(20.0, 0.0), Weights(0.0, 100.0), Weights(5.0, 50.0)])
def test_rows_are_distributions_under_any_weights(taxonomy: Taxonomy, weights: Weights):
    names = ClassNames.of(taxonomy)
    for label, values in blended(evidence(names), dict.fromkeys(LABELS, weights), names).items():
        assert values.shape == (6, names.counts[label])
        assert (values >= 0).all()
        np.testing.assert_allclose(values.sum(axis=1), 1.0)


def test_a_class_the_network_excludes_can_still_be_found_by_the_other(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    given = evidence(names, 1)
    given.network["item"][0, 3] = -np.inf
    sure = np.zeros((1, names.counts["item"]), dtype=np.float32)
    sure[0, 3] = 1.0
    found = pooled(Evidence(given.network, {"item": sure}), "item", Weights(0.0, 20.0))
    assert np.isfinite(found).all()
    assert found.argmax() == 3


def test_rows_of_evidence_are_the_evidence_of_rows(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    given, rows = evidence(names), np.array([4, 1])
    some = given.rows(rows)
    for label in LABELS:
        np.testing.assert_array_equal(
            pooled(some, label, Weights(1.0, 1.0)), pooled(given, label, Weights(1.0, 1.0))[rows]
        )
