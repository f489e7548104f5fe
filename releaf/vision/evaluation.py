"""How good a classifier is on held-out images: each source apart, each label apart, and its worst mistakes.

Here: figures as plain data. How they are drawn is the reports' business; a folder someone hands in is in `folder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from releaf.errors import DataError
from releaf.metrics.classification import (
    accuracy,
    class_figures,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    reliability_bins,
    top_k_accuracy,
)
from releaf.progress import Progress, silent
from releaf.vision.blend import blended
from releaf.vision.data import LABELS, MISSING, ClassNames, Labels, encode_labels
from releaf.vision.predictor import Predictor, Seen
from releaf.vision.probabilities import Probabilities

Rows: TypeAlias = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

_MISTAKES = 12


@dataclass(frozen=True)
class LabelFigures:
    """Figures of one label on one source.

    n: labelled images. confusion: rows are labels, columns predictions, in the order of `classes`. ece and ece_before:
    with and without the temperatures. per_class: precision, recall, f1 and support by class id. reliability: mean
    confidence, accuracy and count of each of 15 confidence bins.
    """

    n: int
    accuracy: float
    top3: float
    macro_f1: float
    ece_before: float
    ece: float
    classes: tuple[str, ...]
    confusion: list[list[int]]
    per_class: dict[str, dict[str, float]]
    reliability: dict[str, list[float]]


@dataclass(frozen=True)
class Part:
    """What one witness reaches."""

    accuracy: float
    macro_f1: float


@dataclass(frozen=True)
class Mistake:
    """A wrong answer: the picture, its label, the prediction and the probabilities given to both."""

    path: str
    label: str
    truth: str
    predicted: str
    probability: float
    truth_probability: float


@dataclass(frozen=True)
class VisionEvaluation:
    """Figures by source and label ("item", "material", "family", "bin"), and each source's surest mistakes.

    parts: what each witness reaches by itself, by source, label and witness ("network", "descriptors", "both").
    """

    sources: dict[str, dict[str, LabelFigures]]
    parts: dict[str, dict[str, dict[str, Part]]]
    mistakes: dict[str, list[Mistake]]

    def metrics(self) -> dict[str, float]:
        """Return the headline figures flat, named `<source>_<label>_<figure>`."""
        return {
            f"{source}_{label}_{figure}": float(getattr(figures, figure))
            for source, labels in self.sources.items()
            for label, figures in labels.items()
            for figure in ("n", "accuracy", "top3", "macro_f1", "ece_before", "ece")
        } | {
            f"{source}_{label}_{figure}_{witness}": getattr(part, figure)
            for source, labels in self.parts.items()
            for label, witnesses in labels.items()
            for witness, part in witnesses.items()
            if witness != "both"
            for figure in ("accuracy", "macro_f1")
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        return asdict(self)


def evaluate(predictor: Predictor, images: pl.DataFrame, *, progress: Progress = silent) -> VisionEvaluation:
    """Measure `predictor` on every row of `images`, which should be a split it never saw.

    A label counts where an image has it: accuracy on materials only where the material is known, on families where at
    least the family is. Sources are never mixed. Raises DataError for an empty table.
    """
    if images.is_empty():
        raise DataError("there are no images to evaluate on")
    seen = predictor.see(predictor.open_all(images["path"].to_list(), progress))
    return evaluate_seen(predictor, seen, images)


def evaluate_seen(predictor: Predictor, seen: Seen, images: pl.DataFrame) -> VisionEvaluation:
    """Measure what `predictor` makes of images it was shown already."""
    names = predictor.names
    labels = encode_labels(images, names)
    raw, final = blended(seen.evidence, {}, names), predictor.probabilities(seen)
    sources: dict[str, dict[str, LabelFigures]] = {}
    parts: dict[str, dict[str, dict[str, Part]]] = {}
    mistakes: dict[str, list[Mistake]] = {}
    for source in sorted(set(images["source"])):
        rows = np.flatnonzero((images["source"] == source).to_numpy())
        known = {label: k for k, label in enumerate(LABELS) if (labels[rows, k] != MISSING).any()}
        sources[source] = {
            label: figures_of(raw[label][rows], final[label][rows], labels[rows, k], names.ids(label))
            for label, k in known.items()
        }
        parts[source] = {label: _parts(seen, final[label], rows, label, labels[rows, k]) for label, k in known.items()}
        mistakes[source] = _mistakes(images["path"].to_list(), final, labels, rows, names)
    return VisionEvaluation(sources, parts, mistakes)


def _parts(seen: Seen, final: Probabilities, rows: Rows, label: str, labels: Labels) -> dict[str, Part]:
    said: dict[str, npt.NDArray[np.floating[Any]]] = {"network": seen.evidence.network[label], "both": final}
    if label in seen.evidence.descriptors:
        said["descriptors"] = seen.evidence.descriptors[label]
    classes = final.shape[1]
    found: dict[str, Part] = {}
    for witness, scores in said.items():
        predicted = scores[rows].argmax(axis=1)
        confusion = confusion_matrix(predicted, labels, classes)
        right = float((predicted == labels)[labels != MISSING].mean())
        found[witness] = Part(right, macro_f1(confusion))
    return found


def figures_of(raw: Probabilities, calibrated: Probabilities, labels: Labels, ids: tuple[str, ...]) -> LabelFigures:
    """Return the figures of one label from probabilities (N, classes) before and after calibration; labels -1 skip."""
    confusion = confusion_matrix(calibrated.argmax(axis=1), labels, len(ids))
    by_class = class_figures(confusion)
    bins = reliability_bins(calibrated, labels)
    return LabelFigures(
        n=int((labels != MISSING).sum()),
        accuracy=accuracy(calibrated, labels),
        top3=top_k_accuracy(calibrated, labels, 3),
        macro_f1=macro_f1(confusion),
        ece_before=expected_calibration_error(raw, labels),
        ece=expected_calibration_error(calibrated, labels),
        classes=ids,
        confusion=confusion.tolist(),
        per_class={
            name: {
                "precision": float(by_class.precision[index]),
                "recall": float(by_class.recall[index]),
                "f1": float(by_class.f1[index]),
                "support": int(by_class.support[index]),
            }
            for index, name in enumerate(ids)
        },
        reliability={
            "confidence": bins.confidence.tolist(),
            "accuracy": bins.accuracy.tolist(),
            "count": [int(n) for n in bins.count],
        },
    )


def _mistakes(
    paths: list[str],
    probabilities: Mapping[str, Probabilities],
    labels: Labels,
    rows: Rows,
    names: ClassNames,
) -> list[Mistake]:
    """Return the surest wrong answers about each image's finest label."""
    found: list[Mistake] = []
    for row in rows.tolist():
        column = int(np.argmax(labels[row] != MISSING))
        truth = int(labels[row, column])
        p = probabilities[LABELS[column]][row]
        predicted = int(p.argmax())
        if truth in (MISSING, predicted):
            continue
        ids = names.ids(LABELS[column])
        found.append(
            Mistake(paths[row], LABELS[column], ids[truth], ids[predicted], float(p[predicted]), float(p[truth]))
        )
    return sorted(found, key=lambda m: (m.truth_probability - m.probability, m.path))[:_MISTAKES]
