"""From logits to the probabilities of items, materials, families and bins; NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from releaf.vision.data import ClassNames

Probabilities = npt.NDArray[np.float64]
LogProbabilities = npt.NDArray[np.float64]


def label_log_probabilities(logits: Mapping[str, npt.ArrayLike], names: ClassNames) -> dict[str, LogProbabilities]:
    """Return ln p of every class of `item`, `material`, `family` and `bin`, each (N, classes).

    `logits` are (N, classes) by head. A family's probability is the sum of its materials'; one without a material has
    probability 0, so its logarithm is -inf.
    """
    found = {head: log_softmax(np.asarray(values, dtype=np.float64), axis=1) for head, values in logits.items()}
    return {**found, "family": family_log_probabilities(found["material"], names)}


def label_probabilities(logits: Mapping[str, npt.ArrayLike], names: ClassNames) -> dict[str, Probabilities]:
    """Return p of every class of `item`, `material`, `family` and `bin`, each (N, classes) with rows that sum to 1."""
    return {label: np.exp(values) for label, values in label_log_probabilities(logits, names).items()}


def family_log_probabilities(material: LogProbabilities, names: ClassNames) -> LogProbabilities:
    """Return ln of each family's summed probability, (N, families), from ln p of the materials (N, materials)."""
    member = np.array(names.family_of_material)[None, :] == np.arange(len(names.family))[:, None]
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(material) @ member.T), dtype=np.float64)
