"""A query grown by words of the chunks it finds first: pseudo-relevance feedback (R5). Pure: no index, no text."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from releaf.errors import InputError

ALPHA = 0.3
# More words bring noise: 20 was best of 10, 20 and 40 on two collections (docs/experiments.md).
TERMS = 20
FEEDBACK = 5


def expand(
    query: Mapping[str, float],
    feedback: Sequence[tuple[float, Mapping[str, int]]],
    document_frequency: Callable[[str], int],
    documents: int,
    *,
    alpha: float = ALPHA,
    terms: int = TERMS,
) -> dict[str, float]:
    """The query's stems with those of what it found: q + α·Σ w_d·terms(d) (Rocchio 1971).

    `feedback` holds a score and the stems with their counts (tf) of each document that is trusted. w_d is the score's
    share of all scores; terms(d) weighs a stem tf·ln(N/df), N = `documents`, over the greatest such weight of the
    document; of the sum the `terms` heaviest stems stay, ties by stem. So an added stem weighs at most α, and one of
    the query's own at most α more than before. Without feedback of positive score the query comes back as it was.
    Raises `InputError` for α < 0 and for terms < 1.
    """
    if alpha < 0 or terms < 1:
        raise InputError(f"alpha must be 0 or more and terms at least 1, not {alpha} and {terms}")
    trusted = [(score, counts) for score, counts in feedback if score > 0]
    total = math.fsum(score for score, _ in trusted)
    gathered: dict[str, float] = {}
    for score, counts in trusted:
        weights = {
            stem: count * math.log(documents / max(1, document_frequency(stem))) for stem, count in counts.items()
        }
        greatest = max(weights.values(), default=0.0)
        if greatest <= 0:
            continue
        for stem, weight in weights.items():
            gathered[stem] = gathered.get(stem, 0.0) + score / total * weight / greatest
    best = sorted(gathered.items(), key=lambda entry: (-entry[1], entry[0]))[:terms]
    expanded = dict(query)
    for stem, weight in best:
        expanded[stem] = expanded.get(stem, 0.0) + alpha * weight
    return expanded
