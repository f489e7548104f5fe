from __future__ import annotations

import numpy as np
import torch

from releaf.taxonomy import Taxonomy
from releaf.training.device import Hardware
from releaf.vision.data import ClassNames
from releaf.vision.prediction import channels_last, label_log_probabilities, label_probabilities, predict_logits
from releaf.vision.training import TrainedVision


def test_family_probabilities_are_sums_and_all_rows_sum_to_one(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    generator = torch.Generator().manual_seed(0)
    logits = {head: torch.randn(7, names.counts[head], generator=generator) for head in ("item", "material", "bin")}
    p = label_probabilities(logits, names, {"material": 2.0})
    for label, values in p.items():
        assert values.shape == (7, names.counts[label])
        np.testing.assert_allclose(values.sum(axis=1), 1.0)
    metal = [k for k, family in enumerate(names.family_of_material) if names.family[family] == "metal"]
    np.testing.assert_allclose(p["family"][:, names.family.index("metal")], p["material"][:, metal].sum(axis=1))
    logs = label_log_probabilities(logits, names)
    np.testing.assert_allclose(logs["family"].exp(), label_probabilities(logits, names)["family"], atol=1e-6)


def test_a_temperature_above_one_makes_every_answer_less_sure(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    logits = {head: torch.randn(5, names.counts[head]) for head in ("item", "material", "bin")}
    sure, unsure = label_probabilities(logits, names), label_probabilities(logits, names, {"item": 3.0})
    assert (unsure["item"].max(axis=1) < sure["item"].max(axis=1)).all()
    np.testing.assert_array_equal(unsure["bin"], sure["bin"])


def test_logits_do_not_depend_on_the_batch_size(trained: TrainedVision, hardware: Hardware):
    pixels = np.random.default_rng(0).integers(0, 256, size=(7, 32, 32, 3), dtype=np.uint8)
    model = trained.checkpoint.model.eval()
    together, apart = (predict_logits(model, pixels, hardware, batch_size=size) for size in (7, 2))
    for head, logits in together.items():
        assert logits.shape[0] == 7
        torch.testing.assert_close(apart[head], logits, rtol=1e-4, atol=1e-5)


def test_the_memory_layout_changes_no_value():
    pixels = torch.randn(2, 3, 4, 4)
    assert torch.equal(channels_last(pixels), pixels)
