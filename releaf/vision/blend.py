"""One answer from two witnesses: the network and the classifier on local descriptors, calibrated as they are joined.

For each label ln p(class) = a·ln p_network(class) + b·s_descriptors(class) + constant: a logarithmic opinion
pool (Genest and Zidek 1986) whose two weights are fitted on validation pictures. With b = 0, a is one over the
temperature of Guo et al. 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import log_softmax

from releaf.vision.data import LABELS, ClassNames
from releaf.vision.network import Floats
from releaf.vision.probabilities import LogProbabilities, Probabilities, family_log_probabilities

_FAINTEST = -60.0


@dataclass(frozen=True)
class Weights:
    """What each witness counts for one label, both at least 0."""

    network: float = 1.0
    descriptors: float = 0.0


@dataclass(frozen=True)
class Evidence:
    """What both witnesses say of N pictures, before any weight.

    network: ln p of every class of `item`, `material`, `family` and `bin`, each (N, classes). descriptors: scores
    (N, classes) of the labels that the classifier on local descriptors was trained for; empty without one.
    """

    network: Mapping[str, LogProbabilities]
    descriptors: Mapping[str, Floats]

    def rows(self, rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Evidence:
        """Return the evidence of some of the pictures."""
        return Evidence(
            {label: values[rows] for label, values in self.network.items()},
            {label: values[rows] for label, values in self.descriptors.items()},
        )


def blended(evidence: Evidence, weights: Mapping[str, Weights], names: ClassNames) -> dict[str, Probabilities]:
    """Return p of every class of `item`, `material`, `family` and `bin`, each (N, classes) with rows that sum to 1.

    A label without weights keeps what the network says. A family's probability stays the sum of its materials': within
    a family the material's own weights decide, between families the family's do.
    """
    logs = {label: pooled(evidence, label, weights.get(label, Weights())) for label in LABELS}
    inside = logs["material"] - family_log_probabilities(logs["material"], names)[:, list(names.family_of_material)]
    material = np.exp(inside + logs["family"][:, list(names.family_of_material)])
    # A family without a material keeps none of the probability.
    material /= material.sum(axis=1, keepdims=True)
    member = np.array(names.family_of_material)[:, None] == np.arange(len(names.family))[None, :]
    return {
        "item": np.exp(logs["item"]),
        "material": material,
        "family": material @ member,
        "bin": np.exp(logs["bin"]),
    }


def pooled(evidence: Evidence, label: str, weights: Weights) -> LogProbabilities:
    """Return ln p (N, classes) of one label by its weights."""
    found = weights.network * heard(evidence.network[label])
    if label in evidence.descriptors and weights.descriptors:
        found = found + weights.descriptors * evidence.descriptors[label]
    return np.asarray(log_softmax(found, axis=1), dtype=np.float64)


def heard(log_probabilities: LogProbabilities) -> LogProbabilities:
    """Return ln p as it is weighed: a class the network excludes, such as a family without materials, is very unlikely.

    At -inf it would stay impossible under every weight, whatever the other witness says.
    """
    return np.maximum(log_probabilities, _FAINTEST)
