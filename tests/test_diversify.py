from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.diversify import LAMBDA, maximal_marginal_relevance
from releaf.errors import InputError
from releaf.retrieval.encode import unit_rows


def drawn(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Relevance in [0, 1] and cosines of random vectors: no two values are equal."""
    generator = np.random.default_rng(seed)
    vectors = unit_rows(generator.normal(size=(count, 5)).astype(np.float32))
    return generator.random(count), vectors @ vectors.T


def by_definition(relevance: np.ndarray, similarity: np.ndarray, k: int, weight: float) -> list[int]:
    """Formula of Carbonell and Goldstein 1998, in loops."""
    chosen: list[int] = []
    for _ in range(min(k, len(relevance))):
        left = [place for place in range(len(relevance)) if place not in chosen]
        value = {
            place: weight * relevance[place]
            - (1 - weight) * max((similarity[place, other] for other in chosen), default=0.0)
            for place in left
        }
        chosen.append(max(left, key=lambda place: (value[place], -place)))
    return chosen


def test_a_near_duplicate_falls_behind_by_hand() -> None:
    relevance = np.array([1.0, 0.9, 0.6])
    similarity = np.array([[1.0, 0.98, 0.0], [0.98, 1.0, 0.0], [0.0, 0.0, 1.0]])
    # Second place: 0.7·0.9 − 0.3·0.98 = 0.336 against 0.7·0.6 − 0 = 0.42.
    assert maximal_marginal_relevance(relevance, similarity, 3) == [0, 2, 1]
    # With λ = 0.9: 0.81 − 0.098 = 0.712 against 0.54.
    assert maximal_marginal_relevance(relevance, similarity, 3, weight=0.9) == [0, 1, 2]


def test_lambda_is_the_one_of_the_specification() -> None:
    assert LAMBDA == 0.7


@given(st.integers(0, 12), st.integers(0, 99))
def test_with_lambda_one_the_order_is_that_of_relevance(count: int, seed: int) -> None:
    relevance, similarity = drawn(count, seed)
    assert maximal_marginal_relevance(relevance, similarity, max(1, count), weight=1.0) == list(np.argsort(-relevance))


@given(st.integers(1, 12), st.integers(1, 15), st.floats(0, 1), st.integers(0, 99))
def test_the_order_is_that_of_the_definition(count: int, k: int, weight: float, seed: int) -> None:
    relevance, similarity = drawn(count, seed)
    assert maximal_marginal_relevance(relevance, similarity, k, weight) == by_definition(
        relevance, similarity, k, weight
    )


@given(st.integers(1, 12), st.floats(0.05, 1), st.integers(0, 99))
def test_the_choice_does_not_depend_on_the_order_of_the_candidates(count: int, weight: float, seed: int) -> None:
    relevance, similarity = drawn(count, seed)
    order = np.random.default_rng(seed + 1).permutation(count)
    shuffled = maximal_marginal_relevance(relevance[order], similarity[np.ix_(order, order)], count, weight)
    assert [int(order[place]) for place in shuffled] == maximal_marginal_relevance(relevance, similarity, count, weight)


@given(st.integers(0, 12), st.integers(1, 15), st.integers(0, 99))
def test_every_candidate_is_chosen_at_most_once(count: int, k: int, seed: int) -> None:
    chosen = maximal_marginal_relevance(*drawn(count, seed), k)
    assert len(chosen) == len(set(chosen)) == min(k, count)


def test_ties_go_to_the_earlier_place() -> None:
    assert maximal_marginal_relevance(np.ones(4), np.ones((4, 4)), 4) == [0, 1, 2, 3]
    assert maximal_marginal_relevance(np.ones(3), np.eye(3), 2, weight=0.0) == [0, 1]


def test_opposite_vectors_are_preferred_to_unrelated_ones() -> None:
    similarity = np.array([[1.0, 0.0, -1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 1.0]])
    assert maximal_marginal_relevance(np.array([1.0, 0.5, 0.5]), similarity, 2) == [0, 2]


def test_impossible_values_are_refused() -> None:
    with pytest.raises(InputError, match=r"not 0 and 0\.7"):
        maximal_marginal_relevance(np.ones(1), np.ones((1, 1)), 0)
    with pytest.raises(InputError, match=r"not 1 and 1\.5"):
        maximal_marginal_relevance(np.ones(1), np.ones((1, 1)), 1, weight=1.5)
    with pytest.raises(InputError, match=r"shape \(2,\) and similarity of \(3, 3\)"):
        maximal_marginal_relevance(np.ones(2), np.ones((3, 3)), 1)
