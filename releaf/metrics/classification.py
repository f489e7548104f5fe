"""How well predicted classes and probabilities agree with labels: accuracy, F1, confusion, calibration.

NumPy only. `probabilities` is (N, C) with rows that sum to 1; `labels` is (N,) of class indices, where -1 means that
the label is missing and the row counts nowhere. A figure over no labelled row is NaN. Rankings of documents are in
`ranking`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from releaf.errors import InputError

Floats = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]

MISSING = -1


@dataclass(frozen=True)
class ClassFigures:
    """Precision, recall, F1 and support of each class, arrays of length C; 0 where a ratio has no denominator."""

    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    f1: npt.NDArray[np.float64]
    support: npt.NDArray[np.int64]


@dataclass(frozen=True)
class ReliabilityBins:
    """Mean confidence, accuracy and count of the predictions in each confidence bin; 0 in an empty bin."""

    confidence: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]
    count: npt.NDArray[np.int64]


def accuracy(probabilities: Floats, labels: Integers) -> float:
    """Share of labelled rows whose most probable class (the first of equals) is the label."""
    return top_k_accuracy(probabilities, labels, 1)


def top_k_accuracy(probabilities: Floats, labels: Integers, k: int) -> float:
    """Share of labelled rows whose label is among the `k` most probable classes; of equals the first ranks higher."""
    if k < 1:
        raise InputError(f"k must be at least 1, not {k}")
    probabilities, labels = _labelled(probabilities, labels)
    if not len(labels):
        return float("nan")
    own = probabilities[np.arange(len(labels)), labels][:, None]
    earlier = np.arange(probabilities.shape[1])[None, :] < labels[:, None]
    rank = ((probabilities > own) | ((probabilities == own) & earlier)).sum(axis=1)
    return float((rank < k).mean())


def confusion_matrix(predictions: Integers, labels: Integers, classes: int) -> npt.NDArray[np.int64]:
    """Counts (C, C): row = label, column = prediction."""
    known = labels != MISSING
    cells = labels[known].astype(np.int64) * classes + predictions[known]
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def class_figures(confusion: npt.NDArray[np.int64]) -> ClassFigures:
    """Precision, recall and F1 of each class from a confusion matrix (rows = labels)."""
    hits = np.diag(confusion).astype(np.float64)
    support, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    return ClassFigures(
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, support),
        f1=_ratio(2 * hits, support + predicted),
        support=support.astype(np.int64),
    )


def macro_f1(confusion: npt.NDArray[np.int64]) -> float:
    """Mean F1 over the classes that occur among labels or predictions.

    A class that occurs nowhere says nothing and is left out; one that is only predicted counts as 0.
    """
    seen = (confusion.sum(axis=0) + confusion.sum(axis=1)) > 0
    return float(class_figures(confusion).f1[seen].mean()) if seen.any() else float("nan")


def reliability_bins(probabilities: Floats, labels: Integers, bins: int = 15) -> ReliabilityBins:
    """Sort predictions into `bins` equal intervals ((m-1)/M, m/M] of their confidence, the largest probability."""
    if bins < 1:
        raise InputError(f"bins must be at least 1, not {bins}")
    probabilities, labels = _labelled(probabilities, labels)
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    index = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    return ReliabilityBins(
        confidence=_ratio(np.bincount(index, weights=confidence, minlength=bins), count),
        accuracy=_ratio(np.bincount(index, weights=correct, minlength=bins), count),
        count=count.astype(np.int64),
    )


def expected_calibration_error(probabilities: Floats, labels: Integers, bins: int = 15) -> float:
    """Expected calibration error Σ_m |B_m| / n · |acc(B_m) − conf(B_m)|, in [0, 1].

    Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3; 15 bins as there.
    """
    table = reliability_bins(probabilities, labels, bins)
    n = int(table.count.sum())
    if n == 0:
        return float("nan")
    return float((table.count * np.abs(table.accuracy - table.confidence)).sum() / n)


def _labelled(probabilities: Floats, labels: Integers) -> tuple[Floats, Integers]:
    if probabilities.ndim != 2 or len(probabilities) != len(labels):
        raise InputError(f"probabilities {probabilities.shape} must be (N, C) for {len(labels)} labels")
    if len(labels) and int(labels.max()) >= probabilities.shape[1]:
        raise InputError(f"label {int(labels.max())} has no column among {probabilities.shape[1]} classes")
    known = labels != MISSING
    return probabilities[known], labels[known]


def _ratio(above: npt.NDArray[Any], below: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    ratio: npt.NDArray[np.float64] = np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
    return ratio
