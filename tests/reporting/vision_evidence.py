"""A made-up evaluation of the image classifier in the shape that its report writes; no figure in it was measured."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

FAMILIES = ("plastic", "metal", "glass", "paper", "cardboard", "textile", "organic", "electronic", "residual")
BINS = ("recycle", "compost", "landfill", "hazardous")
CLASSIFIERS = ("logistic_regression", "nearest_neighbours", "naive_bayes", "decision_tree", "random_forest")
_LEVELS = {"random_forest": 0.9, "logistic_regression": 0.87, "nearest_neighbours": 0.82, "decision_tree": 0.7}


def classified(
    classes: Sequence[str], n: int, accuracy: float, seed: int, *, seen: int | None = None
) -> dict[str, Any]:
    """Figures of a classifier that is right with probability `accuracy`, on the first `seen` of the classes."""
    rng, known = random.Random(seed), seen or len(classes)
    matrix = [[0] * len(classes) for _ in classes]
    bins = [[0, 0.0, 0] for _ in range(15)]
    for _ in range(n):
        truth = min(known - 1, int(known * rng.random() ** 1.3))
        right = rng.random() < accuracy
        matrix[truth][truth if right else (truth + rng.choice((1, 1, 2, known - 1))) % known] += 1
        confidence = min(0.999, max(0.2, rng.betavariate(9, 1.6) if right else rng.betavariate(5, 3)))
        found = bins[min(14, int(15 * confidence))]
        found[0], found[1], found[2] = found[0] + 1, found[1] + confidence, found[2] + right
    columns = [sum(row[j] for row in matrix) for j in range(len(classes))]
    hits = [matrix[i][i] for i in range(len(classes))]
    support = [sum(row) for row in matrix]
    f1 = [2 * hits[i] / max(1, support[i] + columns[i]) for i in range(len(classes))]
    return {
        "n": n,
        "accuracy": sum(hits) / n,
        "top3": min(1.0, accuracy + 0.09),
        "macro_f1": sum(f1[:known]) / known,
        "ece_before": 0.083,
        "ece": sum(abs(right - total) for _, total, right in bins) / n,
        "classes": list(classes),
        "confusion": matrix,
        "per_class": {
            name: {
                "precision": hits[i] / max(1, columns[i]),
                "recall": hits[i] / max(1, support[i]),
                "f1": f1[i],
                "support": support[i],
            }
            for i, name in enumerate(classes)
        },
        "reliability": {
            "confidence": [total / count if count else 0.0 for count, total, _ in bins],
            "accuracy": [right / count if count else 0.0 for count, _, right in bins],
            "count": [count for count, *_ in bins],
        },
    }


def evaluation(items: Sequence[str], materials: Sequence[str], n: int) -> dict[str, Any]:
    """Everything that the report can hold but its pictures."""
    sources = {
        "photograph": {"family": classified(FAMILIES, n, 0.86, 0, seen=6)},
        "rendered": {
            "item": classified(items, 2 * n, 0.9, 1),
            "material": classified(materials, 2 * n, 0.88, 2),
            "family": classified(FAMILIES, 2 * n, 0.91, 3, seen=8),
            "bin": classified(BINS, 2 * n, 0.94, 4),
        },
    }
    return {
        "sources": sources,
        "parts": {source: {label: _parts(f) for label, f in labels.items()} for source, labels in sources.items()},
        "mistakes": {"photograph": [mistake("a.png", "paper", "cardboard")], "rendered": []},
        "baselines": [
            row for source, labels in sources.items() for label, f in labels.items() for row in _rows(source, label, f)
        ],
        "novelty": {
            "score": "distances",
            "threshold": 2.314,
            "false_alarm_rate": 0.052,
            "detection": {
                "photograph crop": {"n": 200, "auroc": 0.871, "detected": 0.43},
                "synthetic": {"n": 200, "auroc": 0.992, "detected": 0.965},
            },
        },
        "faithfulness": {
            "deletion_auc": 0.312,
            "deletion_random": 0.447,
            "insertion_auc": 0.655,
            "insertion_random": 0.521,
            "n": 40,
        },
        "transfer": [
            crossing("photograph", "photograph", n, 0.85),
            crossing("photograph", "rendered", 2 * n, 0.27),
            crossing("rendered", "photograph", n, 0.31),
            crossing("rendered", "rendered", 2 * n, 0.92),
        ],
    }


def mistake(path: str, truth: str, predicted: str) -> dict[str, Any]:
    return {
        "path": path,
        "label": "family",
        "truth": truth,
        "predicted": predicted,
        "probability": 0.93,
        "truth_probability": 0.04,
    }


def crossing(trained_on: str, tested_on: str, n: int, accuracy: float) -> dict[str, Any]:
    return {
        "trained_on": trained_on,
        "tested_on": tested_on,
        "label": "family",
        "n": n,
        "accuracy": accuracy,
        "macro_f1": accuracy - 0.04,
    }


def _parts(figures: dict[str, Any]) -> dict[str, Any]:
    levels = {"network": 0.87, "descriptors": 0.95, "both": 1.0}
    return {name: {key: level * figures[key] for key in ("accuracy", "macro_f1")} for name, level in levels.items()}


def _rows(source: str, label: str, figures: dict[str, Any]) -> list[dict[str, Any]]:
    found = [("none", "majority_class", 0.3)]
    found += [
        (features, name, _LEVELS.get(name, 0.6) * level)
        for features, level in (("network", 1.0), ("simple", 0.93))
        for name in CLASSIFIERS
    ]
    return [
        {
            "source": source,
            "label": label,
            "features": features,
            "classifier": name,
            "accuracy": level * figures["accuracy"],
            "macro_f1": level * figures["macro_f1"] * (0.3 if features == "none" else 0.97),
        }
        for features, name, level in found
    ]
