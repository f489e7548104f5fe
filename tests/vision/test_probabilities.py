from __future__ import annotations

import numpy as np

from releaf.taxonomy import Taxonomy
from releaf.vision.data import ClassNames
from releaf.vision.probabilities import label_log_probabilities, label_probabilities


def random_logits(names: ClassNames, n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {head: rng.normal(size=(n, names.counts[head])) for head in ("item", "material", "bin")}


def test_family_probabilities_are_sums_and_all_rows_sum_to_one(taxonomy: Taxonomy):
    names = ClassNames.of(taxonomy)
    logits = random_logits(names, 7)
    p = label_probabilities(logits, names)
    for label, values in p.items():
        assert values.shape == (7, names.counts[label])
        np.testing.assert_allclose(values.sum(axis=1), 1.0)
    metal = [k for k, family in enumerate(names.family_of_material) if names.family[family] == "metal"]
    np.testing.assert_allclose(p["family"][:, names.family.index("metal")], p["material"][:, metal].sum(axis=1))
    logs = label_log_probabilities(logits, names)
    np.testing.assert_allclose(np.exp(logs["family"]), label_probabilities(logits, names)["family"], atol=1e-6)
