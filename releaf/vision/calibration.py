"""Temperatures that make probabilities mean what they say.

One temperature a head, fitted on validation images: Guo et al. 2017, "On Calibration of Modern Neural Networks",
section 4.2. It changes no prediction, only how sure it sounds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from torch import Tensor

from releaf.metrics.classification import expected_calibration_error
from releaf.vision.data import LABELS, MISSING, ClassNames, Labels
from releaf.vision.prediction import label_probabilities
from releaf.vision.settings import HEADS

_LOWEST, _HIGHEST = 0.05, 20.0


@dataclass(frozen=True)
class Calibration:
    """Temperatures by head, and the calibration error of each label before and after, where it is labelled at all."""

    temperatures: dict[str, float]
    ece_before: dict[str, float]
    ece_after: dict[str, float]


def calibrate(logits: Mapping[str, Tensor], labels: Labels, names: ClassNames) -> Calibration:
    """Fit the temperature of every head to validation logits (N, classes) and labels (N, 4).

    The material head also learns from images that know only a family. A head without a label keeps temperature 1.
    """
    temperatures = {
        head: fit_temperature(logits[head].double().numpy(), allowed_classes(head, labels, names)) for head in HEADS
    }
    before, after = _errors(logits, labels, names, {}), _errors(logits, labels, names, temperatures)
    return Calibration(temperatures, before, after)


def allowed_classes(head: str, labels: Labels, names: ClassNames) -> npt.NDArray[np.bool_]:
    """Return (N, classes) booleans: which classes an image's label allows; none where it has no label.

    An exact label allows one class; a material known only by its family allows all materials of it.
    """
    classes = len(names.ids(head))
    exact = labels[:, LABELS.index(head)]
    allowed: npt.NDArray[np.bool_] = exact[:, None] == np.arange(classes)[None, :]
    if head == "material":
        family = labels[:, LABELS.index("family")]
        same_family = family[:, None] == np.array(names.family_of_material)[None, :]
        allowed |= (exact == MISSING)[:, None] & same_family
    return allowed


def fit_temperature(logits: npt.NDArray[np.float64], allowed: npt.NDArray[np.bool_]) -> float:
    """Return the T in [0.05, 20] that minimizes the mean −ln Σ softmax(logits / T) over the allowed classes.

    Rows that allow no class count nowhere; with none left T is 1.
    """
    known = allowed.any(axis=1)
    if not known.any():
        return 1.0
    rows, inside = logits[known], np.where(allowed[known], 0.0, -np.inf)

    def loss(log_t: float) -> float:
        scaled = rows / math.exp(log_t)
        return float((logsumexp(scaled, axis=1) - logsumexp(scaled + inside, axis=1)).mean())

    found = minimize_scalar(loss, bounds=(math.log(_LOWEST), math.log(_HIGHEST)), method="bounded")
    return math.exp(float(found.x))


def _errors(
    logits: Mapping[str, Tensor], labels: Labels, names: ClassNames, temperatures: Mapping[str, float]
) -> dict[str, float]:
    probabilities = label_probabilities(logits, names, temperatures)
    columns = {label: labels[:, LABELS.index(label)] for label in LABELS}
    return {
        label: expected_calibration_error(probabilities[label], column)
        for label, column in columns.items()
        if (column != MISSING).any()
    }
