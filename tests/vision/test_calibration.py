from __future__ import annotations

import numpy as np
import pytest
import torch

from releaf.taxonomy import Taxonomy
from releaf.vision.calibration import allowed_classes, calibrate, fit_temperature
from releaf.vision.data import ClassNames
from releaf.vision.prediction import label_probabilities


def sampled(temperature: float, n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from softmax(logits / temperature): what a model T times too sure would give."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, 5)) * 3
    p = np.exp(logits / temperature)
    p /= p.sum(axis=1, keepdims=True)
    labels = (p.cumsum(axis=1) > rng.random((n, 1))).argmax(axis=1)
    return logits, labels


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_is_found(temperature: float):
    logits, labels = sampled(temperature)
    allowed = labels[:, None] == np.arange(5)
    assert fit_temperature(logits, allowed) == pytest.approx(temperature, rel=0.08)


def test_rows_without_a_label_change_nothing_and_none_at_all_gives_one():
    logits, labels = sampled(2.0, 500)
    allowed = labels[:, None] == np.arange(5)
    padded = np.concatenate([allowed, np.zeros((3, 5), dtype=bool)])
    more = np.concatenate([logits, np.full((3, 5), 9.0)])
    assert fit_temperature(more, padded) == pytest.approx(fit_temperature(logits, allowed))
    assert fit_temperature(logits, np.zeros_like(allowed)) == 1.0


def test_a_family_allows_all_its_materials_and_a_material_only_itself(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    metal, steel = names.family.index("metal"), names.material.index("steel")
    labels = np.array([[-1, steel, metal, -1], [-1, -1, metal, -1], [-1, -1, -1, -1]])
    allowed = allowed_classes("material", labels, names)
    assert [[names.material[k] for k in np.flatnonzero(row)] for row in allowed] == [
        ["steel"],
        ["aluminium", "steel"],
        [],
    ]


def test_calibration_lowers_the_error_of_an_overconfident_head_and_changes_no_prediction(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    rng = np.random.default_rng(1)
    n = 1500
    item = rng.normal(size=(n, 20)) * 2
    labels = np.full((n, 4), -1)
    labels[:, 0] = (item + rng.gumbel(size=(n, 20)) * 2).argmax(axis=1)  # softmax at temperature 2
    logits = {
        "item": torch.from_numpy(item * 3),
        "material": torch.zeros(n, 15),
        "bin": torch.zeros(n, 4),
    }
    found = calibrate(logits, labels, names)
    assert found.temperatures["item"] == pytest.approx(6.0, rel=0.15)
    assert found.temperatures["bin"] == 1.0
    assert found.ece_after["item"] < 0.05 < found.ece_before["item"]
    assert set(found.ece_after) == {"item"}
    before, after = label_probabilities(logits, names), label_probabilities(logits, names, found.temperatures)
    assert (before["item"].argmax(1) == after["item"].argmax(1)).all()
