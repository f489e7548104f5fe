"""How good a checkpoint is on held-out images: each source apart, each label apart, and its worst mistakes.

Here: figures as plain data. How they are drawn is the reports' business; a folder someone hands in is in `folder`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
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
from releaf.training.device import Hardware
from releaf.vision.checkpoint import VisionCheckpoint
from releaf.vision.data import LABELS, MISSING, Labels, encode_labels, load_pixels
from releaf.vision.prediction import Probabilities, label_probabilities, predict_logits

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
    """Figures by source and label ("item", "material", "family", "bin"), and each source's surest mistakes."""

    sources: dict[str, dict[str, LabelFigures]]
    mistakes: dict[str, list[Mistake]]

    def metrics(self) -> dict[str, float]:
        """Return the headline figures flat, named `<source>_<label>_<figure>`."""
        return {
            f"{source}_{label}_{figure}": float(getattr(figures, figure))
            for source, labels in self.sources.items()
            for label, figures in labels.items()
            for figure in ("n", "accuracy", "top3", "macro_f1", "ece_before", "ece")
        }

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-able data."""
        return asdict(self)


def evaluate(
    checkpoint: VisionCheckpoint,
    images: pl.DataFrame,
    hardware: Hardware,
    *,
    cache: Path | None = None,
    progress: Progress = silent,
) -> VisionEvaluation:
    """Measure `checkpoint` on every row of `images`, which should be a split it never saw.

    A label counts where an image has it: accuracy on materials only where the material is known, on families where at
    least the family is. Sources are never mixed. Raises DataError for an empty table.
    """
    if images.is_empty():
        raise DataError("there are no images to evaluate on")
    labels = encode_labels(images, checkpoint.names)
    pixels = load_pixels(images, checkpoint.settings.image_size, cache=cache, progress=progress)
    model = checkpoint.model.to(hardware.device).eval()
    logits = predict_logits(model, pixels, hardware)
    raw = label_probabilities(logits, checkpoint.names)
    calibrated = label_probabilities(logits, checkpoint.names, checkpoint.temperatures)
    sources: dict[str, dict[str, LabelFigures]] = {}
    mistakes: dict[str, list[Mistake]] = {}
    for source in sorted(set(images["source"])):
        rows = np.flatnonzero((images["source"] == source).to_numpy())
        sources[source] = {
            label: figures_of(
                raw[label][rows], calibrated[label][rows], labels[rows, column], checkpoint.names.ids(label)
            )
            for column, label in enumerate(LABELS)
            if (labels[rows, column] != MISSING).any()
        }
        mistakes[source] = _mistakes(images["path"].to_list(), calibrated, labels, rows, checkpoint)
    return VisionEvaluation(sources, mistakes)


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
    rows: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    checkpoint: VisionCheckpoint,
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
        ids = checkpoint.names.ids(LABELS[column])
        found.append(
            Mistake(paths[row], LABELS[column], ids[truth], ids[predicted], float(p[predicted]), float(p[truth]))
        )
    return sorted(found, key=lambda m: (m.truth_probability - m.probability, m.path))[:_MISTAKES]
