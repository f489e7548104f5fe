from __future__ import annotations

import math

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from releaf.errors import InputError
from releaf.metrics.ranking import (
    bootstrap_interval,
    discounted_cumulative_gain,
    ndcg_at_k,
    precision_at_k,
    randomization_p_value,
    recall_at_k,
    reciprocal_rank_at_k,
)

GRADES = {"a": 3, "b": 2, "c": 1, "d": 0}


def test_dcg_discounts_the_second_place_by_log2_of_three() -> None:
    assert discounted_cumulative_gain([7, 3, 1]) == pytest.approx(7 + 3 / math.log2(3) + 1 / 2)


def test_ndcg_by_hand() -> None:
    found = 3 + 0 + 7 / 2  # b, d, a at places 1, 2, 3
    best = 7 + 3 / math.log2(3) + 1 / 2
    assert ndcg_at_k(["b", "d", "a"], GRADES, 3) == pytest.approx(found / best)


def test_ndcg_of_the_best_order_is_one_and_of_nothing_is_zero() -> None:
    assert ndcg_at_k(["a", "b", "c"], GRADES, 10) == pytest.approx(1.0)
    assert ndcg_at_k([], GRADES, 10) == 0.0
    assert ndcg_at_k(["a"], {"a": 0}, 10) == 0.0


def test_ndcg_counts_relevant_documents_that_were_not_found() -> None:
    assert ndcg_at_k(["a"], {"a": 1, "b": 1}, 10) == pytest.approx(1 / (1 + 1 / math.log2(3)))


def test_ndcg_looks_at_k_places_only() -> None:
    assert ndcg_at_k(["d", "a"], GRADES, 1) == 0.0


@given(grades=st.lists(st.integers(0, 3), min_size=2, max_size=12), k=st.integers(1, 12), seed=st.integers(0, 99))
def test_ndcg_agrees_with_scikit_learn_on_exponential_gains(grades: list[int], k: int, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(grades))
    ranking = [str(place) for place in order]
    scores = np.zeros(len(grades))
    scores[order] = np.arange(len(grades), 0, -1)
    gains = 2.0 ** np.array(grades) - 1
    expected = ndcg_score([gains], [scores], k=k)
    judged = {str(place): grade for place, grade in enumerate(grades)}
    assert ndcg_at_k(ranking, judged, k) == pytest.approx(expected)


@given(
    grades=st.dictionaries(st.integers(0, 30).map(str), st.integers(0, 3), min_size=1, max_size=20),
    found=st.lists(st.integers(0, 30).map(str), unique=True, max_size=25),
    k=st.integers(1, 25),
)
def test_ndcg_agrees_with_trec_eval_on_exponential_gains(grades: dict[str, int], found: list[str], k: int) -> None:
    # trec_eval gains the grade itself; documents that are not judged, or not found, are among these.
    gains = {document: 2**grade - 1 for document, grade in grades.items()}
    run = {document: float(len(found) - place) for place, document in enumerate(found)}
    evaluator = pytrec_eval.RelevanceEvaluator({"q": gains}, {f"ndcg_cut.{k}"})
    expected = evaluator.evaluate({"q": run})["q"][f"ndcg_cut_{k}"] if any(gains.values()) else 0.0
    assert ndcg_at_k(found, grades, k) == pytest.approx(expected, abs=1e-9)


def test_precision_divides_by_k_even_when_fewer_were_found() -> None:
    assert precision_at_k(["a", "x"], GRADES, 5) == pytest.approx(1 / 5)


def test_recall_divides_by_all_relevant_documents() -> None:
    assert recall_at_k(["a", "d", "c"], GRADES, 10) == pytest.approx(2 / 3)
    assert recall_at_k(["a", "d", "c"], GRADES, 1) == pytest.approx(1 / 3)
    assert recall_at_k(["a"], {"a": 0}, 10) == 0.0


def test_reciprocal_rank_is_of_the_first_relevant_place() -> None:
    assert reciprocal_rank_at_k(["x", "d", "b", "a"], GRADES, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank_at_k(["x", "d", "b"], GRADES, 2) == 0.0


@pytest.mark.parametrize("metric", [ndcg_at_k, precision_at_k, recall_at_k, reciprocal_rank_at_k])
def test_k_below_one_and_repeated_documents_are_refused(metric) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="at least 1, not 0"):
        metric(["a"], GRADES, 0)
    with pytest.raises(InputError, match="twice"):
        metric(["a", "a"], GRADES, 5)


def test_bootstrap_interval_of_a_constant_is_that_constant() -> None:
    assert bootstrap_interval([0.5] * 9) == (0.5, 0.5)


def test_bootstrap_interval_is_repeatable_and_close_to_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(size=400)
    low, high = bootstrap_interval(values.tolist(), seed=1)
    assert bootstrap_interval(values.tolist(), seed=1) == (low, high)
    half = 1.96 * values.std() / math.sqrt(len(values))
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)


def test_bootstrap_interval_refuses_no_values() -> None:
    with pytest.raises(InputError, match="0 values"):
        bootstrap_interval([])


def test_randomization_p_of_a_few_pairs_is_the_exact_share_of_sign_flips() -> None:
    # Differences 1, 1, 1: of the eight sign flips two (all +, all −) are as extreme.
    p = randomization_p_value([1, 1, 1], [0, 0, 0], resamples=20_000)
    assert p == pytest.approx(2 / 8, abs=0.01)


def test_randomization_p_of_equal_results_is_one_and_of_a_clear_gain_is_small() -> None:
    assert randomization_p_value([0.3, 0.4], [0.3, 0.4]) == 1.0
    assert randomization_p_value([0.6] * 30, [0.1] * 30) < 0.001


def test_randomization_test_refuses_what_is_not_paired() -> None:
    with pytest.raises(InputError, match="1 and 2 values"):
        randomization_p_value([1], [1, 2])
