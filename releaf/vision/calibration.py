"""Weights that make probabilities mean what they say, fitted on pictures that training did not see.

Two numbers a label (see `blend`); where there is but the network, one: the temperature of Guo et al. 2017, "On
Calibration of Modern Neural Networks", section 4.2, which changes no prediction, only how sure it sounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from releaf.metrics.classification import expected_calibration_error
from releaf.vision.blend import Evidence, Weights, blended, heard, pooled
from releaf.vision.data import LABELS, MISSING, ClassNames, Labels

PHOTOGRAPH = "photograph"
ENOUGH = 100  # photographs that know a label: fewer give weights that are mostly noise

_NETWORK = (0.05, 20.0)
_DESCRIPTORS = (0.0, 100.0)
_START = 5.0  # about what scores between 0 and 1 need to become odds


@dataclass(frozen=True)
class Calibration:
    """Weights by label, and the calibration error of each label before and after, where it is labelled at all.

    Before: both witnesses unweighted, as far as there are any, so what the network says by itself.
    """

    weights: dict[str, Weights]
    ece_before: dict[str, float]
    ece_after: dict[str, float]


def calibrate(evidence: Evidence, labels: Labels, sources: Sequence[str], names: ClassNames) -> Calibration:
    """Fit the weights of every label to the evidence on N validation pictures, their labels (N, 4) and sources.

    What is served are photographs: where enough of them know a label, rendered pictures have no say in it. A label that
    no picture has keeps the network alone.
    """
    photographs = np.array(sources) == PHOTOGRAPH
    weights: dict[str, Weights] = {}
    for column, label in enumerate(LABELS):
        known = labels[:, column] != MISSING
        telling = known & photographs
        rows = np.flatnonzero(telling if telling.sum() >= ENOUGH else known)
        weights[label] = fit_weights(evidence.rows(rows), label, labels[rows, column])
    return Calibration(weights, _errors(evidence, labels, names, {}), _errors(evidence, labels, names, weights))


def fit_weights(evidence: Evidence, label: str, truth: npt.NDArray[np.int64]) -> Weights:
    """Return the weights that minimize the mean −ln p of the true classes (N,); convex, so found from any start.

    A normal prior, worth about one picture, keeps a handful of right answers from making the weights as large as they
    may be. Without a picture the network stands alone at weight 1.
    """
    if not len(truth):
        return Weights()
    both = label in evidence.descriptors
    witnesses = [heard(evidence.network[label]), *([evidence.descriptors[label]] if both else [])]
    said = np.stack([np.asarray(values, dtype=np.float64) for values in witnesses])
    rows = np.arange(len(truth))

    def loss(point: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        logs = pooled(evidence, label, _weights(point, both))
        # The gradient of a log-linear model: what is expected under it less what was seen.
        slope = (np.exp(logs)[None] * said).sum(axis=2) - said[:, rows, truth]
        off = (point - start) / start
        value = -logs[rows, truth].mean() + 0.5 * (off**2).mean() / len(truth)
        return float(value), slope.mean(axis=1) + off / start / len(start) / len(truth)

    start = np.array([0.5, _START] if both else [1.0])
    bounds = [(0.0, _NETWORK[1]), _DESCRIPTORS] if both else [_NETWORK]
    return _weights(minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x, both)


def _weights(point: npt.NDArray[np.float64], both: bool) -> Weights:
    return Weights(float(point[0]), float(point[1]) if both else 0.0)


def _errors(evidence: Evidence, labels: Labels, names: ClassNames, weights: Mapping[str, Weights]) -> dict[str, float]:
    probabilities = blended(evidence, weights, names)
    columns = {label: labels[:, LABELS.index(label)] for label in LABELS}
    return {
        label: expected_calibration_error(probabilities[label], column)
        for label, column in columns.items()
        if (column != MISSING).any()
    }
