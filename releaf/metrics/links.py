"""How well scores tell edges from non-edges, and how high a true edge ranks: AUC, average precision, Hits@k, MRR.

NumPy only; what is scored, and against which candidates, is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from releaf.errors import DataError

FloatArray: TypeAlias = npt.NDArray[np.float64]
Scores: TypeAlias = tuple[FloatArray, FloatArray]
"""Scores of the positives (P) and of the negatives (N)."""
Groups: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]
"""A group number for each positive (P) and each negative (N)."""


def roc_auc(positive: npt.ArrayLike, negative: npt.ArrayLike) -> float:
    """Probability that a random positive scores above a random negative, a tie counting one half; in 0–1.

    The Mann–Whitney form of the area under the ROC curve (Hanley & McNeil 1982).
    """
    positive, negative = _scores(positive, negative)
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, side="left")
    not_above = np.searchsorted(ordered, positive, side="right")
    return float((below + not_above).sum() / (2 * len(positive) * len(negative)))


def average_precision(positive: npt.ArrayLike, negative: npt.ArrayLike) -> float:
    """Σ (R_n − R_{n−1})·P_n over the distinct scores as thresholds; in 0–1. Tied scores enter together."""
    positive, negative = _scores(positive, negative)
    thresholds = np.unique(positive)[::-1]
    found = len(positive) - np.searchsorted(np.sort(positive), thresholds, side="left")
    false = len(negative) - np.searchsorted(np.sort(negative), thresholds, side="left")
    recall_steps = np.diff(found, prepend=0) / len(positive)
    return float(np.sum(recall_steps * found / (found + false)))


def rank_among(score: float, candidates: npt.ArrayLike) -> float:
    """Rank, from 1, of a true edge's score among the scores of false candidates; ties share their mean rank.

    Raises `DataError` for a score that is not a number: it would compare as the best of all.
    """
    others = np.asarray(candidates, dtype=np.float64)
    if np.isnan(score) or np.isnan(others).any():
        raise DataError("a score to rank is not a number")
    return float(1 + np.sum(others > score) + np.sum(others == score) / 2)


def hits_at_k(ranks: npt.ArrayLike, k: int) -> float:
    """Share of ranks that are k or better; in 0–1."""
    return float(np.mean(_ranks(ranks) <= k))


def mean_reciprocal_rank(ranks: npt.ArrayLike) -> float:
    """Mean of 1 / rank; in 0–1."""
    return float(np.mean(1 / _ranks(ranks)))


@dataclass(frozen=True)
class Difference:
    """A difference of two AUCs on the same pairs, with the bounds of its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `no clear difference` when the interval holds zero."""
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "no clear difference"


def auc_within(scores: Scores, groups: Groups) -> float:
    """Mean of the AUCs within each group of pairs, weighted by the group's positives; in 0–1.

    Positives are held against negatives of their own group only: a scorer whose scale differs from group to group
    (a count of common neighbours, between different kinds of node) is not blamed for that. Raises `DataError` for a
    group with positives and no negatives.
    """
    return float(sum(share * _wins(*part).mean() for share, part in _by_group(scores, groups)))


def auc_difference(
    ours: Scores, theirs: Scores, groups: Groups | None = None, *, resamples: int = 1000, seed: int = 0
) -> Difference:
    """AUC of one scorer minus AUC of another on the same pairs; with `groups`, of their `auc_within`.

    Positives and negatives are resampled with replacement within each group, for both scorers alike (paired percentile
    bootstrap).
    """
    chosen = groups or (np.zeros(len(ours[0]), dtype=np.int64), np.zeros(len(ours[1]), dtype=np.int64))
    rng = np.random.default_rng(seed)
    value, sampled = 0.0, np.zeros(resamples)
    for (share, mine), (_, other) in zip(_by_group(ours, chosen), _by_group(theirs, chosen), strict=True):
        wins = _wins(*mine) - _wins(*other)
        n_positive, n_negative = wins.shape
        rows = rng.multinomial(n_positive, np.full(n_positive, 1 / n_positive), size=resamples)
        columns = rng.multinomial(n_negative, np.full(n_negative, 1 / n_negative), size=resamples)
        value += share * float(wins.mean())
        sampled += share * np.einsum("bn,bn->b", rows @ wins, columns) / wins.size
    low, high = np.quantile(sampled, [0.025, 0.975])
    return Difference(value, float(low), float(high))


def _by_group(scores: Scores, groups: Groups) -> list[tuple[float, Scores]]:
    """Each group's share of the positives, with its scores."""
    positive, negative = scores
    parts = []
    for group in np.unique(groups[0]):
        mine = groups[0] == group
        parts.append((float(mine.mean()), _scores(positive[mine], negative[groups[1] == group])))
    return parts


def _wins(positive: FloatArray, negative: FloatArray) -> FloatArray:
    """(P, N): 1 where the positive scores above the negative, ½ on a tie, else 0. Its mean is the AUC."""
    return np.asarray((np.sign(positive[:, None] - negative[None, :]) + 1) / 2, dtype=np.float64)


def _scores(positive: npt.ArrayLike, negative: npt.ArrayLike) -> Scores:
    arrays = np.asarray(positive, dtype=np.float64), np.asarray(negative, dtype=np.float64)
    for name, values in zip(("positive", "negative"), arrays, strict=True):
        if not values.size:
            raise DataError(f"there are no {name} scores to measure with")
        if np.isnan(values).any():
            raise DataError(f"{int(np.isnan(values).sum())} {name} scores are not numbers")
    return arrays


def _ranks(ranks: npt.ArrayLike) -> FloatArray:
    values = np.asarray(ranks, dtype=np.float64)
    if not values.size:
        raise DataError("there are no ranks to measure with")
    return values
