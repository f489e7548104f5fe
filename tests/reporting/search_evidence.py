"""Made-up evidence of search in the shape that the reports write; no figure in it was measured."""

from __future__ import annotations

import random
from typing import Any

LEVELS = {
    "dense": 0.70,
    "expanded": 0.735,
    "mmr": 0.72,
    "reranked": 0.79,
    "rrf": 0.725,
    "sparse": 0.63,
    "weighted": 0.745,
}
DEPTHS = (1, 3, 5, 10, 20)


def search(queries: int, rng: random.Random, served: str = "reranked") -> dict[str, Any]:
    """Two splits, the choice, the reranker's curves and the encoder; names in the order in which JSON is written."""
    return {
        "splits": {"dev": split(queries, rng), "test": split(queries, rng)},
        "served": served,
        "choice": choice(),
        "encoder": {
            "min_cosine": 0.9731,
            "mean_cosine": 0.9962,
            "served_ndcg@10": 0.712,
            "reference_ndcg@10": 0.716,
            "ndcg_loss": 0.0056,
        },
    }


def split(queries: int, rng: random.Random) -> dict[str, Any]:
    ease = [rng.gauss(0, 0.18) for _ in range(queries)]
    methods: dict[str, Any] = {name: method(level, ease, rng) for name, level in LEVELS.items()}
    for baseline in ("sparse", "dense"):
        for name, entry in methods.items():
            if name != baseline:
                entry[f"against_{baseline}"] = {
                    key: compared(f["mean"] - methods[baseline]["figures"][key]["mean"])
                    for key, f in entry["figures"].items()
                }
    refusals = {"unanswerable": 12, "refused": 0.75, "answerable": queries, "wrongly_refused": 0.1, "area": 0.913}
    return {"queries": queries, "unscored": ["q-901", "q-902"], "methods": methods, "refusals": refusals}


def method(level: float, ease: list[float], rng: random.Random) -> dict[str, Any]:
    """Figures that grow with the depth, around `level` at ten."""
    shift = {f"ndcg@{k}": 0.03 * (k == 20) - 0.02 * (k < 10) - 0.05 * (k == 1) for k in DEPTHS}
    shift |= {f"recall@{k}": {1: -0.45, 3: -0.2, 5: -0.08, 10: 0.05, 20: 0.12}[k] for k in DEPTHS}
    shift |= {f"precision@{k}": -0.3 for k in DEPTHS} | {"recall@100": 0.22, "mrr@10": 0.1}
    per_query = {}
    for number, own in enumerate(ease):
        base = level + own + rng.gauss(0, 0.08)
        per_query[f"q-{number:03}"] = {key: min(1.0, max(0.0, base + by)) for key, by in shift.items()}
    means = {key: sum(values[key] for values in per_query.values()) / len(ease) for key in shift}
    return {
        "figures": {
            key: {"mean": m, "low": max(0.0, m - 0.05), "high": min(1.0, m + 0.05)} for key, m in means.items()
        },
        "per_query": per_query,
        "against_sparse": {},
        "against_dense": {},
        "confidence": {
            "high": {"queries": len(ease) // 3, "right": 0.9},
            "low": {"queries": len(ease) - len(ease) // 3, "right": 0.55},
            "medium": {"queries": 0, "right": None},
        },
    }


def compared(difference: float) -> dict[str, float]:
    return {"difference": difference, "low": difference - 0.03, "high": difference + 0.04, "p_value": 0.0132}


def way(**changed: Any) -> dict[str, Any]:
    return {
        "fusion": "rrf",
        "weight": 0.6,
        "rrf_k": 60,
        "expand": False,
        "rerank": False,
        "rerank_weight": 1.0,
        "answerability": None,
    } | changed


def choice() -> dict[str, Any]:
    """Weighted fusion with weight 0.7 is the best of the fusions, and the reranker is served with weight 0.6."""
    candidates = [{"method": "rrf", "choice": way(), "ndcg": 0.714}]
    candidates.append({"method": "expanded", "choice": way(expand=True), "ndcg": 0.722})
    for tenths in range(1, 10):
        weight, ndcg = tenths / 10, 0.742 - 0.3 * (tenths / 10 - 0.7) ** 2
        plain = way(fusion="weighted", weight=weight)
        candidates.append({"method": "weighted", "choice": plain, "ndcg": ndcg})
        candidates.append({"method": "expanded", "choice": {**plain, "expand": True}, "ndcg": ndcg - 0.006})
    fused = way(fusion="weighted", weight=0.7)
    for tenths in range(1, 11):
        weight, ndcg = tenths / 10, 0.771 - 0.25 * (tenths / 10 - 0.6) ** 2
        tried = {**fused, "rerank": True, "rerank_weight": weight}
        candidates.append({"method": "reranked", "choice": tried, "ndcg": ndcg})
    refusal = {"bias": -4.0, "cosine": 9.0, "coverage": 2.0, "threshold": 0.417}
    return {
        "choice": {**fused, "rerank": True, "rerank_weight": 0.6, "answerability": refusal},
        "candidates": candidates,
        "reranking": {"difference": 0.027, "low": 0.008, "high": 0.046, "p_value": 0.0041},
        "queries": 40,
    }


def older(queries: int, rng: random.Random) -> dict[str, Any]:
    """What was written before depth, confidence, refusals, gains over dense, the choice and the encoder were."""
    keys = ("ndcg@10", "precision@5", "recall@10", "recall@100", "mrr@10")
    found = split(queries, rng)
    methods = {}
    for name in ("dense", "rrf", "sparse"):
        entry = found["methods"][name]
        methods[name] = {part: {k: v for k, v in entry[part].items() if k in keys} for part in ("figures",)}
        methods[name] |= {"per_query": entry["per_query"], "against_sparse": entry["against_sparse"]}
    return {"splits": {"test": {"queries": queries, "unscored": [], "methods": methods}}}
