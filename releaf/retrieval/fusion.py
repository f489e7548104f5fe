"""Rankings of the same things made into one (R3). Pure functions: no index, no text."""

from __future__ import annotations

import math
from collections.abc import Sequence

from releaf.errors import InputError

Ranking = Sequence[tuple[str, float]]


def reciprocal_rank_fusion(rankings: Sequence[Sequence[str]], k: int = 60) -> list[tuple[str, float]]:
    """RRF(d) = Σ 1 / (k + rank of d), ranks from 1, over the rankings that hold d (Cormack, Clarke and Büttcher 2009).

    Best first, ties by id; the order of the rankings makes no difference. Raises `InputError` for k < 0 and for a
    ranking that holds an id twice.
    """
    if k < 0:
        raise InputError(f"k of the reciprocal rank fusion must be 0 or more, not {k}")
    shares: dict[str, list[float]] = {}
    for ranking in rankings:
        _refuse_twice(ranking)
        for rank, name in enumerate(ranking, start=1):
            shares.setdefault(name, []).append(1.0 / (k + rank))
    return _ordered({name: math.fsum(parts) for name, parts in shares.items()})


def weighted_fusion(dense: Ranking, sparse: Ranking, weight: float = 0.6) -> list[tuple[str, float]]:
    """Weight · dense + (1 − weight) · sparse, each scaled to [0, 1] by its own least and greatest score.

    What one ranking lacks counts 0 there; a ranking whose scores are all equal counts 1. Best first, ties by id.
    Raises `InputError` for a weight outside [0, 1] and for a ranking that holds an id twice.
    """
    if not 0 <= weight <= 1:
        raise InputError(f"the weight of the dense ranking must be between 0 and 1, not {weight}")
    ours, theirs = min_max(dense), min_max(sparse)
    names = {**ours, **theirs}
    return _ordered({name: weight * ours.get(name, 0.0) + (1 - weight) * theirs.get(name, 0.0) for name in names})


def min_max(ranking: Ranking) -> dict[str, float]:
    """Scores scaled to [0, 1] by the least and the greatest; 1 where all are equal.

    Raises `InputError` for a ranking that holds an id twice.
    """
    _refuse_twice([name for name, _ in ranking])
    scores = dict(ranking)
    if not scores:
        return {}
    low, high = min(scores.values()), max(scores.values())
    return {name: (score - low) / (high - low) if high > low else 1.0 for name, score in scores.items()}


def _ordered(scores: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))


def _refuse_twice(ranking: Sequence[str]) -> None:
    if len(set(ranking)) != len(ranking):
        raise InputError("a ranking holds an id twice; keep its best place only")
