"""Figures for a ranking against graded judgements, and how sure a mean of them is.

A ranking is a sequence of document ids, best first. Judgements map document ids to grades: 0 (or absent) is not
relevant, 1 and above is relevant. Where the ranking comes from is not this module's business.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from releaf.errors import InputError


def discounted_cumulative_gain(gains: Sequence[float]) -> float:
    """DCG = Σ gain_i / log₂(i + 1), i counted from 1 (Järvelin and Kekäläinen 2002; discount of Burges et al. 2005)."""
    return math.fsum(gain / math.log2(place + 1) for place, gain in enumerate(gains, start=1))


def ndcg_at_k(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """DCG of the first k places over that of the best possible order, gain 2^grade − 1 (Burges et al. 2005).

    In [0, 1]. The best order is made of all judged documents, found or not; unjudged documents gain nothing.
    0 when no document is relevant. Raises `InputError` for k < 1 and for a document that is ranked twice.
    """
    best = sorted((_gain(grade) for grade in grades.values()), reverse=True)[:k]
    found = [_gain(grades.get(document, 0)) for document in _top(ranking, k)]
    ideal = discounted_cumulative_gain(best)
    return discounted_cumulative_gain(found) / ideal if ideal > 0 else 0.0


def precision_at_k(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Relevant documents among the first k places over k, also when fewer than k were found.

    In [0, 1]. Raises `InputError` for k < 1 and for a document that is ranked twice.
    """
    return _hits(ranking, grades, k) / k


def recall_at_k(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """Relevant documents among the first k places over all relevant ones; 0 when there are none.

    In [0, 1]. Raises `InputError` for k < 1 and for a document that is ranked twice.
    """
    relevant = sum(grade > 0 for grade in grades.values())
    return _hits(ranking, grades, k) / relevant if relevant else 0.0


def reciprocal_rank_at_k(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> float:
    """1 / place of the first relevant document among the first k places; 0 when none is there.

    Its mean over queries is MRR@k. Raises `InputError` for k < 1 and for a document that is ranked twice.
    """
    for place, document in enumerate(_top(ranking, k), start=1):
        if grades.get(document, 0) > 0:
            return 1.0 / place
    return 0.0


def bootstrap_interval(
    values: Sequence[float], *, level: float = 0.95, resamples: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Percentile interval of the mean when the queries are drawn anew with replacement (Efron 1979).

    Raises `InputError` without values or for a level outside (0, 1).
    """
    if len(values) == 0 or not 0 < level < 1:
        raise InputError(f"an interval needs values and 0 < level < 1, not {len(values)} values at level {level}")
    sample = np.asarray(values, dtype=np.float64)
    draws = np.random.default_rng(seed).integers(0, len(sample), size=(resamples, len(sample)))
    tail = (1 - level) / 2
    low, high = np.quantile(sample[draws].mean(axis=1), [tail, 1 - tail])
    return float(low), float(high)


def randomization_p_value(
    ours: Sequence[float], theirs: Sequence[float], *, resamples: int = 10_000, seed: int = 0
) -> float:
    """Two-sided p of the paired randomization test on the difference of means (Smucker, Allan and Carterette 2007).

    The sign of each query's difference is flipped at random; p = (1 + flips at least as extreme) / (1 + resamples), in
    (0, 1]. Equal results give 1. Raises `InputError` when the two are not paired.
    """
    if len(ours) != len(theirs) or len(ours) == 0:
        raise InputError(f"a paired test needs two equally long sequences, not {len(ours)} and {len(theirs)} values")
    difference = np.asarray(ours, dtype=np.float64) - np.asarray(theirs, dtype=np.float64)
    difference = difference[difference != 0]
    if len(difference) == 0:
        return 1.0
    signs = np.random.default_rng(seed).integers(0, 2, size=(resamples, len(difference)), dtype=np.int8) * 2 - 1
    # The tolerance keeps a flip that sums to the same number in another order from counting as smaller.
    extreme = np.abs(signs @ difference) >= abs(difference.sum()) - 1e-12
    return float((1 + extreme.sum()) / (1 + resamples))


def _gain(grade: int) -> float:
    return 2.0 ** max(grade, 0) - 1.0


def _hits(ranking: Sequence[str], grades: Mapping[str, int], k: int) -> int:
    return sum(grades.get(document, 0) > 0 for document in _top(ranking, k))


def _top(ranking: Sequence[str], k: int) -> Sequence[str]:
    if k < 1:
        raise InputError(f"k must be at least 1, not {k}")
    top = ranking[:k]
    if len(set(top)) != len(top):
        raise InputError("the ranking holds a document twice; each may be counted once only")
    return top
