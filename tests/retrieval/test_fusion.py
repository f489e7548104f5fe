from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.errors import InputError
from releaf.retrieval.fusion import min_max, reciprocal_rank_fusion, weighted_fusion

RANKING = st.lists(st.sampled_from("abcdefgh"), unique=True)
SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-10, 10)).map(
    lambda scores: sorted(scores.items(), key=lambda entry: -entry[1])
)


def test_rrf_by_hand_counts_ranks_from_one_with_k_60() -> None:
    fused = dict(reciprocal_rank_fusion([["a", "b"], ["b", "c"]]))
    assert fused == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})


def test_rrf_takes_another_k() -> None:
    assert reciprocal_rank_fusion([["a"]], k=0) == [("a", 1.0)]


@given(RANKING)
def test_rrf_of_one_ranking_keeps_its_order(ranking: list[str]) -> None:
    assert [name for name, _ in reciprocal_rank_fusion([ranking])] == ranking


@given(st.lists(RANKING, max_size=5), st.integers(0, 9))
def test_rrf_does_not_depend_on_the_order_of_the_rankings(rankings: list[list[str]], seed: int) -> None:
    shuffled = random.Random(seed).sample(rankings, len(rankings))
    assert reciprocal_rank_fusion(shuffled) == reciprocal_rank_fusion(rankings)


@given(st.lists(RANKING, max_size=5))
def test_rrf_holds_everything_once_in_descending_order(rankings: list[list[str]]) -> None:
    fused = reciprocal_rank_fusion(rankings)
    assert sorted(name for name, _ in fused) == sorted({name for ranking in rankings for name in ranking})
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= len(rankings) / 61 + 1e-12 for score in scores)


@given(RANKING, RANKING)
def test_what_both_rank_first_stays_first(one: list[str], other: list[str]) -> None:
    best = [["z", *one], ["z", *other]]
    assert reciprocal_rank_fusion(best)[0][0] == "z"


def test_weighted_by_hand() -> None:
    fused = dict(weighted_fusion([("a", 0.9), ("b", 0.5), ("c", 0.1)], [("b", 12.0), ("d", 4.0)]))
    assert fused == pytest.approx({"a": 0.6, "b": 0.6 * 0.5 + 0.4, "c": 0.0, "d": 0.0})


def test_min_max_by_hand() -> None:
    assert min_max([("a", 5.0), ("b", 3.0), ("c", 1.0)]) == {"a": 1.0, "b": 0.5, "c": 0.0}
    assert min_max([("a", -2.0), ("b", -2.0)]) == {"a": 1.0, "b": 1.0}
    assert min_max([]) == {}


@given(SCORES)
def test_min_max_lies_between_zero_and_one_and_keeps_the_order(ranking: list[tuple[str, float]]) -> None:
    scaled = min_max(ranking)
    assert list(scaled) == [name for name, _ in ranking]
    assert all(0 <= value <= 1 for value in scaled.values())
    assert list(scaled.values()) == sorted(scaled.values(), reverse=True)


@given(SCORES, SCORES)
def test_a_weight_of_one_is_the_first_ranking_alone(
    dense: list[tuple[str, float]], sparse: list[tuple[str, float]]
) -> None:
    fused = dict(weighted_fusion(dense, sparse, weight=1.0))
    scaled = min_max(dense)
    assert fused == {name: scaled.get(name, 0.0) for name in fused}


def test_a_single_or_constant_ranking_counts_full() -> None:
    assert weighted_fusion([("a", 0.3)], []) == [("a", 0.6)]
    assert dict(weighted_fusion([], [("a", 2.0), ("b", 2.0)])) == pytest.approx({"a": 0.4, "b": 0.4})


@given(SCORES, SCORES, st.floats(0.1, 9), st.floats(-5, 5))
def test_weighted_fusion_does_not_change_when_one_index_scales_its_scores(
    dense: list[tuple[str, float]], sparse: list[tuple[str, float]], factor: float, shift: float
) -> None:
    rounded = [(name, round(score, 2)) for name, score in dense]
    scaled = [(name, score * factor + shift) for name, score in rounded]
    assert dict(weighted_fusion(scaled, sparse)) == pytest.approx(dict(weighted_fusion(rounded, sparse)), abs=1e-6)


@given(SCORES, SCORES, st.floats(0, 1))
def test_weighted_scores_lie_between_zero_and_one(
    dense: list[tuple[str, float]], sparse: list[tuple[str, float]], weight: float
) -> None:
    assert all(-1e-12 <= score <= 1 + 1e-12 for _, score in weighted_fusion(dense, sparse, weight))


def test_impossible_values_are_refused() -> None:
    with pytest.raises(InputError, match="0 or more, not -1"):
        reciprocal_rank_fusion([], k=-1)
    with pytest.raises(InputError, match=r"between 0 and 1, not 1\.5"):
        weighted_fusion([], [], weight=1.5)
    with pytest.raises(InputError, match="twice"):
        reciprocal_rank_fusion([["a", "a"]])
    with pytest.raises(InputError, match="twice"):
        weighted_fusion([("a", 1.0), ("a", 0.5)], [])
    with pytest.raises(InputError, match="keep its best place only"):
        min_max([("a", 1.0), ("a", 0.5)])
