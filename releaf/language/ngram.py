"""A trigram model by counting: the reference that a trained base is measured against.

Interpolated Kneser–Ney smoothing over token ids. It is never served: it says what the same text yields untrained.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from releaf.errors import DataError

DISCOUNT = 0.75


class Trigram:
    """P(w | u, v) with interpolated Kneser–Ney smoothing, discount 0.75 (Chen & Goodman 1999, section 2.7)."""

    def __init__(self, documents: Sequence[Sequence[int]], *, vocabulary: int) -> None:
        """Count `documents`, each beginning with its begin token; raises `DataError` when there is nothing to count."""
        triples = Counter(gram for ids in documents for gram in _triples(ids))
        if not triples:
            raise DataError("no document has two tokens, so there is nothing to count")
        # Lower orders count in how many different contexts something occurs, not how often.
        pairs = Counter(gram[1:] for gram in triples)
        singles = Counter(gram[1:] for gram in pairs)
        self._vocabulary = vocabulary
        self._orders = [(counts, *_contexts(counts)) for counts in (singles, pairs, triples)]

    def probability(self, *gram: int) -> float:
        """Probability of the last of three tokens after the first two; over the vocabulary these sum to 1."""
        result = 1 / self._vocabulary
        for size, (counts, totals, kinds) in enumerate(self._orders, start=1):
            part = gram[-size:]
            total = totals[part[:-1]]
            if total:
                result = (max(counts[part] - DISCOUNT, 0.0) + DISCOUNT * kinds[part[:-1]] * result) / total
        return result

    def perplexity(self, documents: Sequence[Sequence[int]]) -> float:
        """Exp of the mean −ln P over every token after the first of each document."""
        logs = [math.log(self.probability(*gram)) for ids in documents for gram in _triples(ids)]
        return math.exp(-sum(logs) / len(logs))


def _contexts(counts: Counter[tuple[int, ...]]) -> tuple[Counter[tuple[int, ...]], Counter[tuple[int, ...]]]:
    """Of each context the sum of its counts, and how many different tokens follow it."""
    totals: Counter[tuple[int, ...]] = Counter()
    kinds: Counter[tuple[int, ...]] = Counter()
    for gram, count in counts.items():
        totals[gram[:-1]] += count
        kinds[gram[:-1]] += 1
    return totals, kinds


def _triples(ids: Sequence[int]) -> list[tuple[int, ...]]:
    """Each token after the first with the two before it; the begin token stands for what is before the text."""
    padded = [ids[0], *ids] if ids else []
    return list(zip(padded, padded[1:], padded[2:], strict=False))
