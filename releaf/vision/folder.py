"""How a released classifier does on a labelled folder that someone brings: the answer to "would it work on mine?".

Here: figures over answers and labels. Finding and labelling the files is the caller's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from releaf.errors import DataError, InputError
from releaf.metrics.classification import class_figures, confusion_matrix, expected_calibration_error, macro_f1
from releaf.progress import Progress, silent
from releaf.taxonomy import Taxonomy
from releaf.vision.data import LABELS, ClassNames
from releaf.vision.inference import Classifier, Prediction, Refusal, Score

_STEP = 64


def evaluate_folder(
    classifier: Classifier,
    labelled: Sequence[tuple[Path, str]],
    taxonomy: Taxonomy,
    kind: str = "family",
    *,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Classify labelled files and return figures as JSON-able data.

    `labelled` pairs each file with an id or alias of the taxonomy; `kind` says of what: "item", "material", "family"
    or "bin". What follows from a label is measured too: an item has a bin, a material a family. Result: `images`
    (those that were answered), `not_known` (how many of them the classifier took for nothing it knows; their labels
    count like any other's), `refused` (name and reason of each that could not be read, not counted as wrong), and for
    each kind `accuracy`, `top3`, `macro_f1`, `ece` (expected calibration error over 15 bins), `n`, `per_class` and
    `confusion`. Raises DataError when no file could be answered, and UnknownNameError for a label that names nothing.
    """
    if kind not in LABELS:
        raise InputError(f"labels of kind {kind!r}: choose one of {', '.join(LABELS)}")
    names = ClassNames.of(taxonomy)
    every_class = max(names.counts.values())
    truths = [_implied(label, kind, taxonomy) for _, label in labelled]
    answers: list[Prediction | Refusal] = []
    for start in range(0, len(labelled), _STEP):
        answers += classifier.classify([path for path, _ in labelled[start : start + _STEP]], every_class)
        progress(len(answers), len(labelled), "classifying")
    refused = [{"name": answer.name, "reason": answer.reason} for answer in answers if isinstance(answer, Refusal)]
    pairs = [(a, t) for a, t in zip(answers, truths, strict=True) if isinstance(a, Prediction)]
    if not pairs:
        raise DataError(f"none of {len(labelled)} files could be classified; first reason: {_first(refused)}")
    measured = {
        label: _figures(pairs, label, names.ids(label)) for label in LABELS if any(label in truth for _, truth in pairs)
    }
    not_known = sum(not answer.known for answer, _ in pairs)
    return {"images": len(pairs), "not_known": not_known, "refused": refused, "labels": kind, **measured}


def _implied(label: str, kind: str, taxonomy: Taxonomy) -> dict[str, str]:
    if kind == "item":
        item = taxonomy.item(label)
        families = {taxonomy.material(name).family for name in item.materials}
        certain = {"family": families.pop()} if len(families) == 1 else {}
        return {"item": item.id, "bin": item.bin, **certain}
    if kind == "material":
        material = taxonomy.material(label)
        return {"material": material.id, "family": material.family}
    return {kind: taxonomy.family(label).id if kind == "family" else taxonomy.bin(label).id}


def _figures(pairs: list[tuple[Prediction, dict[str, str]]], label: str, ids: tuple[str, ...]) -> dict[str, Any]:
    known = [(getattr(answer, label), truth[label]) for answer, truth in pairs if label in truth]
    labels = np.array([ids.index(truth) for _, truth in known])
    probabilities = np.array([_vector(scores, ids) for scores, _ in known])
    predictions = np.array([ids.index(scores[0].id) for scores, _ in known])
    confusion = confusion_matrix(predictions, labels, len(ids))
    by_class = class_figures(confusion)
    return {
        "n": len(known),
        "accuracy": float((predictions == labels).mean()),
        "top3": float(np.mean([truth in [score.id for score in scores[:3]] for scores, truth in known])),
        "macro_f1": macro_f1(confusion),
        "ece": expected_calibration_error(probabilities, labels),
        "classes": list(ids),
        "confusion": confusion.tolist(),
        "per_class": {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)}
            for name, p, r, f, n in zip(
                ids, by_class.precision, by_class.recall, by_class.f1, by_class.support, strict=True
            )
            if n
        },
    }


def _vector(scores: Sequence[Score], ids: tuple[str, ...]) -> list[float]:
    by_id = {score.id: score.probability for score in scores}
    return [by_id[name] for name in ids]


def _first(refused: list[dict[str, str]]) -> str:
    return refused[0]["reason"] if refused else "the list is empty"
