from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from releaf.errors import DataError
from releaf.metrics.links import (
    Difference,
    auc_difference,
    auc_within,
    average_precision,
    hits_at_k,
    mean_reciprocal_rank,
    rank_among,
    roc_auc,
)

# Few distinct values, so that ties are the rule.
scores = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=30)


def test_auc_by_hand() -> None:
    # Pairs (positive, negative): 3>2, 3>1, 1<2, 1=1 → (1 + 1 + 0 + ½) / 4.
    assert roc_auc([3, 1], [2, 1]) == 2.5 / 4


def test_average_precision_by_hand() -> None:
    # In order: + (P=1, R=½), −, + (P=⅔, R=1) → ½·1 + ½·⅔.
    assert average_precision([3, 1], [2]) == pytest.approx(0.5 + 0.5 * 2 / 3)


@given(scores, scores)
def test_auc_and_average_precision_are_those_of_scikit_learn(positive: list[float], negative: list[float]) -> None:
    labels = [1] * len(positive) + [0] * len(negative)
    assert roc_auc(positive, negative) == pytest.approx(roc_auc_score(labels, positive + negative))
    assert average_precision(positive, negative) == pytest.approx(average_precision_score(labels, positive + negative))


@given(scores, scores)
def test_auc_of_swapped_classes_is_its_complement(positive: list[float], negative: list[float]) -> None:
    assert roc_auc(positive, negative) + roc_auc(negative, positive) == pytest.approx(1)


def test_auc_does_not_change_under_a_monotone_map() -> None:
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(1, 1, 40), rng.normal(0, 1, 50)
    assert roc_auc(positive, negative) == roc_auc(np.exp(positive), np.exp(negative))


def test_a_rank_counts_better_candidates_and_half_of_the_ties() -> None:
    assert rank_among(2.0, [3.0, 2.0, 2.0, 1.0]) == 1 + 1 + 2 / 2
    assert rank_among(5.0, []) == 1


def test_a_constant_scorer_ranks_in_the_middle_not_first() -> None:
    assert rank_among(0.0, np.zeros(10)) == 6


def test_hits_and_mrr_by_hand() -> None:
    ranks = [1, 2, 4, 11]
    assert [hits_at_k(ranks, k) for k in (1, 3, 10)] == [0.25, 0.5, 0.75]
    assert mean_reciprocal_rank(ranks) == pytest.approx((1 + 1 / 2 + 1 / 4 + 1 / 11) / 4)


@pytest.mark.parametrize("measure", [roc_auc, average_precision])
def test_no_scores_and_scores_that_are_no_numbers_are_refused(
    measure: Callable[[list[float], list[float]], float],
) -> None:
    with pytest.raises(DataError, match="no negative scores"):
        measure([1.0], [])
    with pytest.raises(DataError, match="1 positive scores are not numbers"):
        measure([float("nan")], [0.0])


def test_a_rank_of_no_number_is_refused_and_so_are_no_ranks() -> None:
    with pytest.raises(DataError, match="not a number"):
        rank_among(float("nan"), [1.0])
    with pytest.raises(DataError, match="no ranks"):
        hits_at_k([], 1)


def test_an_auc_difference_is_the_difference_of_the_aucs() -> None:
    rng = np.random.default_rng(1)
    ours = rng.normal(1, 1, 60), rng.normal(0, 1, 50)
    theirs = rng.normal(0.2, 1, 60), rng.normal(0, 1, 50)
    found = auc_difference(ours, theirs)
    assert found.value == pytest.approx(roc_auc(*ours) - roc_auc(*theirs))
    assert found.low < found.value < found.high
    assert found == auc_difference(ours, theirs)


def test_auc_within_groups_by_hand() -> None:
    # Group 0: 1 against 0 → 1. Group 1: 10 and 12 against 11 → ½. Two of three positives are in group 1.
    scores = np.array([1.0, 10.0, 12.0]), np.array([0.0, 11.0])
    groups = np.array([0, 1, 1]), np.array([0, 1])
    assert auc_within(scores, groups) == pytest.approx(1 / 3 * 1 + 2 / 3 * 0.5)
    assert auc_difference(scores, (scores[0] * 0, scores[1] * 0), groups).value == pytest.approx(2 / 3 - 0.5)


def test_one_group_is_the_auc_itself_and_a_group_needs_negatives() -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=20), rng.normal(size=30)
    one = np.zeros(20, dtype=np.int64), np.zeros(30, dtype=np.int64)
    assert auc_within(scores, one) == pytest.approx(roc_auc(*scores))
    with pytest.raises(DataError, match="no negative scores"):
        auc_within(scores, (one[0], one[1] + 1))


def test_a_scorer_against_itself_shows_no_difference() -> None:
    scored = np.arange(5.0), np.arange(4.0)
    assert auc_difference(scored, scored) == Difference(0.0, 0.0, 0.0)
    assert auc_difference(scored, scored).verdict == "no clear difference"


def test_a_perfect_scorer_is_better_than_a_reversed_one_and_not_the_other_way_round() -> None:
    high, low = np.full(20, 1.0), np.full(20, 0.0)
    assert auc_difference((high, low), (low, high)).verdict == "better"
    assert auc_difference((low, high), (high, low)).verdict == "worse"


def test_the_bootstrap_interval_has_the_width_that_theory_gives() -> None:
    # Against a constant scorer (AUC ½) the error is that of the AUC alone; Hanley & McNeil's formula gives 0.0206 here.
    rng = np.random.default_rng(2)
    n = 200
    ours = rng.exponential(3, n), rng.exponential(1, n)
    auc = roc_auc(*ours)
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    error = np.sqrt((auc * (1 - auc) + (n - 1) * (q1 - auc**2) + (n - 1) * (q2 - auc**2)) / n**2)
    found = auc_difference(ours, (np.zeros(n), np.zeros(n)), resamples=2000)
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(error, rel=0.15)
