"""BM25 in plain Python, from the formula of the specification: what the sparse index is compared with."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from releaf.retrieval.sparse import analyze


def bm25_of_terms(weights: Mapping[str, float], documents: Sequence[Counter[str]]) -> list[float]:
    """Σ w · ln((N − n + ½)/(n + ½) + 1) · tf / (tf + k1 · (1 − b + b · |d| / mean |d|)), k1 = 1.5 and b = 0.75."""
    mean = sum(document.total() for document in documents) / len(documents)
    scores = []
    for document in documents:
        score = 0.0
        for stem, weight in weights.items():
            n = sum(stem in other for other in documents)
            tf = document[stem]
            idf = math.log((len(documents) - n + 0.5) / (n + 0.5) + 1)
            score += weight * idf * tf / (tf + 1.5 * (1 - 0.75 + 0.75 * document.total() / mean))
        scores.append(score)
    return scores


def bm25_by_formula(query: str, texts: Sequence[str]) -> list[float]:
    """The score of every text; a word that the query repeats counts as often."""
    return bm25_of_terms(Counter(analyze(query)), [Counter(analyze(text)) for text in texts])
