"""Results that do not repeat each other (R6), of a search as of a recommender. Pure: no index, no text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from releaf.errors import InputError

LAMBDA = 0.7


def maximal_marginal_relevance(
    relevance: NDArray[np.floating], similarity: NDArray[np.floating], k: int, weight: float = LAMBDA
) -> list[int]:
    """The places of k candidates, chosen one by one by λ·relevance − (1 − λ)·greatest similarity to one chosen before.

    (Carbonell and Goldstein 1998.) `relevance` is (n,), best scaled to [0, 1]; `similarity` (n, n), cosines. With
    λ = 1 the order is that of relevance. Ties go to the earlier place; fewer than k come back when there are fewer.
    Raises `InputError` for k < 1, λ outside [0, 1] and shapes that do not fit.
    """
    n = len(relevance)
    if k < 1 or not 0 <= weight <= 1:
        raise InputError(f"k must be at least 1 and λ between 0 and 1, not {k} and {weight}")
    if relevance.shape != (n,) or similarity.shape != (n, n):
        raise InputError(f"relevance of shape {relevance.shape} and similarity of {similarity.shape} do not fit")
    chosen: list[int] = []
    nearest = np.zeros(n)  # nothing is chosen yet, so nothing is repeated
    left = np.ones(n, dtype=bool)
    while len(chosen) < min(k, n):
        value = np.where(left, weight * relevance - (1 - weight) * nearest, -np.inf)
        best = int(np.argmax(value))
        nearest = similarity[best].astype(float) if not chosen else np.maximum(nearest, similarity[best])
        chosen.append(best)
        left[best] = False
    return chosen
