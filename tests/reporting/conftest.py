"""Made-up evidence in the shape that the reports write; no figure in it was measured."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from releaf.reporting.page import Evidence, GateRow
from tests.reporting.search_evidence import search

ITEMS = ("plastic_bottle", "beverage_can", "glass_jar", "battery")
BINS = ("recycle", "compost", "landfill", "hazardous")
FAMILIES = ("plastic", "metal", "glass", "paper", "cardboard", "residual", "textile", "organic", "electronic")


def gates() -> list[GateRow]:
    return [
        GateRow("waste_images", "rows_kept", "lost_share", 0.0125, "<=", 0.05, True, "Few images may be lost."),
        GateRow(
            "vision_report", "item_accuracy", "rendered_item_accuracy", 0.914, ">=", 0.85, True, "Items are right."
        ),
        GateRow("retrieval_report", "ndcg", "test_rrf_ndcg@10", 0.741, ">=", 0.6, True, "Search is useful."),
    ]


def label_figures(classes: tuple[str, ...], n: int, accuracy: float, rng: random.Random) -> dict[str, Any]:
    """Figures of a classifier that is right with probability `accuracy` and else errs towards a neighbour."""
    matrix = [[0] * len(classes) for _ in classes]
    for _ in range(n):
        truth = rng.randrange(len(classes))
        near = (truth + rng.choice((-2, -1, 1, 2))) % len(classes)
        matrix[truth][truth if rng.random() < accuracy else near] += 1
    per_class = {}
    for i, name in enumerate(classes):
        support, predicted = sum(matrix[i]), sum(row[i] for row in matrix)
        precision, recall = matrix[i][i] / max(1, predicted), matrix[i][i] / max(1, support)
        f1 = 2 * matrix[i][i] / max(1, support + predicted)
        per_class[name] = {"precision": precision, "recall": recall, "f1": f1, "support": support}
    bins = [(m + 0.5) / 15 for m in range(15)]
    return {
        "n": n,
        "accuracy": sum(matrix[i][i] for i in range(len(classes))) / n,
        "top3": min(1.0, accuracy + 0.07),
        "macro_f1": sum(f["f1"] for f in per_class.values()) / len(classes),
        "ece_before": 0.083,
        "ece": 0.021,
        "classes": classes,
        "confusion": matrix,
        "per_class": per_class,
        "reliability": {
            "confidence": bins,
            "accuracy": [max(0.0, min(1.0, b + rng.uniform(-0.08, 0.05))) for b in bins],
            "count": [0, 0, 1, 2, 3, 5, 6, 8, 9, 12, 14, 20, 31, 60, 230],
        },
    }


def history(monitor: str, epochs: int) -> dict[str, Any]:
    rows = [
        {
            "epoch": e,
            "loss": 0.2 + 2 / e,
            "learning_rate": 1e-3 * (1 - (e - 1) / epochs),
            "gradient_norm": 0.4 + 1 / e,
            "samples_per_second": 100.0,
            monitor: 1 - 0.7 / e,
        }
        for e in range(1, epochs + 1)
    ]
    return {"epochs": rows, "best_epoch": max(1, epochs - 2), "monitor": monitor}


def links() -> dict[str, Any]:
    def row(edges: int, level: float) -> dict[str, float]:
        return {
            "edges": edges,
            "auc": level,
            "average_precision": level - 0.02,
            "hits_at_1": level / 4,
            "hits_at_3": level / 2.5,
            "hits_at_10": level / 1.4,
            "mrr": level / 2.7,
        }

    levels = {
        "model": 0.884,
        "common_neighbours": 0.743,
        "adamic_adar": 0.751,
        "degree": 0.802,
        "text_similarity": 0.64,
    }
    relations = {"can_become": 29, "requires_property": 60, "has_property": 20, "compatible_with": 10, "made_of": 3}
    return {
        "overall": {name: row(127, level) for name, level in levels.items()},
        "per_relation": {
            relation: {name: row(edges, level) for name, level in levels.items()}
            for relation, edges in relations.items()
        },
        "comparisons": {
            name: {
                "difference": {"value": 0.884 - level, "low": 0.884 - level - 0.04, "high": 0.884 - level + 0.04},
                "verdict": "better",
                "statement": f"the model beats {name}",
            }
            for name, level in levels.items()
            if name != "model"
        },
        "beats_all": True,
        "history": history("auc", 12),
        "examples": {
            "plastic_bottle": [
                {
                    "project": "self_watering_planter",
                    "title": "Self-watering planter",
                    "score": 0.973,
                    "known": True,
                    "path": [
                        "item:plastic_bottle",
                        "material:pet",
                        "property:watertight",
                        "project:self_watering_planter",
                    ],
                    "covered": ["watertight"],
                    "missing": [],
                },
                {
                    "project": "bird_feeder",
                    "title": "Bird feeder <script>alert(1)</script>",
                    "score": 0.912,
                    "known": False,
                    "path": [],
                    "covered": [],
                    "missing": [],
                },
            ]
        },
    }


def language() -> dict[str, Any]:
    return {
        "split": "test",
        "n": 42,
        "answer_tokens": 3120,
        "base": {"loss": 3.912, "perplexity": 50.0, "token_accuracy": 0.312},
        "adapter": {"loss": 2.485, "perplexity": 12.0, "token_accuracy": 0.503},
        "perplexity_ratio": 0.24,
        "records": [
            {"id": f"ins-{i:04}", "tokens": 70, "base_loss": 3.9, "adapter_loss": 2.5 if i else 4.1} for i in range(42)
        ],
        "answers": answers(),
        "base_history": None,
        "adapter_history": history("validation_loss", 6),
        "example": "[### Instruction:\nWhere do batteries go?]\n### Response:\n<<To a collection point.>>",
        "counts": {"training_examples": 402, "trainable_parameters": 1_245_184},
    }


def answers() -> dict[str, Any]:
    quoted = {"rouge_l": 0.25, "rouge_l_low": 0.2, "rouge_l_high": 0.3, "supported": 1.0, "refused_unanswerable": 0.4}
    written = {"rouge_l": 0.12, "rouge_l_low": 0.1, "rouge_l_high": 0.15, "supported": 0.1, "refused_unanswerable": 0.0}
    return {
        "choice": {
            "serves": "extractive",
            "reason": "adapter is supported in 10%, 80% is asked",
            "figures": {
                "extractive": {**quoted, "refused_answerable": 0.1},
                "adapter": {**written, "refused_answerable": 0.0},
            },
            "p_values": {"adapter": 0.001},
            "least_support": 0.8,
        },
        "judged": {
            "n": 774,
            "error": 0.2,
            "false_support": 0.16,
            "missed": 0.25,
            "auc": 0.87,
            "per_kind": {"number": 0},
        },
        "answerable": 71,
        "unanswerable": 20,
        "samples": [
            {
                "question": "Which bin does a greasy pizza box go into?",
                "reference": "Compost it where the compost bin takes paper; else recycle the clean half.",
                "answers": {"extractive": "Tear the clean lid off.", "adapter": "The clean half goes into the bin."},
            }
        ],
    }


def graph() -> dict[str, Any]:
    return {
        "nodes": 257,
        "edges": 1274,
        "nodes_per_kind": {"item": 20},
        "edges_per_relation": {"can_become": 284},
        "density": 0.0371,
        "components": 1,
        "largest_component": 257,
        "isolated": 0,
        "diameter": 5,
        "mean_degree": 9.9,
        "degree_centrality": [("property:cuttable", 0.28), ("property:tough", 0.21)],
        "betweenness_centrality": [("material:wood", 0.11)],
        "kind_homophily": 0.12,
        "family_homophily": 0.5,
        "bin_homophily": None,
    }


def picture(colour: str = "teal") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (96, 64), colour).save(buffer, format="PNG")
    return buffer.getvalue()


def evidence_of(items: tuple[str, ...], n: int, queries: int) -> Evidence:
    """Evidence with everything that a report can hold."""
    rng = random.Random(0)
    return Evidence(
        gates=gates(),
        data={
            "images": {"asset": "waste_images", "rows": 3127, "version": "3f1c99aa02be"},
            "documents": {"asset": "knowledge_documents", "rows": 122, "version": "9b1c03aa0e11"},
        },
        vision={
            "sources": {
                "photograph": {
                    "family": label_figures(FAMILIES[:6], n, 0.81, rng),
                    "bin": label_figures(BINS, n, 0.88, rng),
                },
                "rendered": {
                    "item": label_figures(items, n, 0.92, rng),
                    "bin": label_figures(BINS, n, 0.96, rng),
                },
            },
            "mistakes": {},
            "pictures": {"mistakes-photograph": picture(), "mistakes-rendered": picture("brown")},
        },
        vision_history=history("validation_score", 20),
        retrieval={**search(queries, rng), "reranker": history("validation_score", 3)},
        graph=graph(),
        graph_picture=picture(),
        recommendation=links(),
        language=language(),
        provenance={"vision_checkpoint": "1f" * 32, "language_adapter": "2e" * 32},
        settings={"seed": 0, "vision": {"epochs": 20, "sizes": [96, 128]}, "retrieval": {"model": None}},
        hardware="cpu, fp32, 2 threads",
    )


@pytest.fixture(scope="session")
def evidence() -> Evidence:
    """Small evidence with every part."""
    return evidence_of(ITEMS, 60, 6)


@pytest.fixture(scope="session")
def without_photographs(evidence: Evidence) -> Evidence:
    """The same, before any photograph was imported."""
    vision = {**evidence.vision, "sources": {"rendered": evidence.vision["sources"]["rendered"]}}
    return replace(evidence, vision=vision)
