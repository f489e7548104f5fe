from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.errors import InputError
from releaf.retrieval.expand import ALPHA, expand

STEM = st.sampled_from(["jar", "lid", "tin", "cork", "glass", "box"])
QUERY = st.dictionaries(STEM, st.floats(0.5, 3), max_size=3)
DOCUMENT = st.tuples(st.floats(0, 20), st.dictionaries(STEM, st.integers(1, 5)))
FEEDBACK = st.lists(DOCUMENT, max_size=5)
FREQUENCY = {"jar": 4, "lid": 2, "tin": 1, "cork": 8, "glass": 3, "box": 16}


def frequency(stem: str) -> int:
    return FREQUENCY[stem]


def test_the_value_by_hand() -> None:
    feedback = [(3.0, {"jar": 2, "lid": 1}), (1.0, {"lid": 1, "tin": 1})]
    # tf·ln(N/df) with N = 8, in units of ln 2: jar 2·1 and lid 1·2 in the first; lid 2 and tin 3 in the second.
    # Over the greatest of each: 1, 1 and 2/3, 1. The scores' shares are 3/4 and 1/4.
    assert expand({"jar": 1.0}, feedback, frequency, 8) == pytest.approx(
        {"jar": 1 + 0.3 * 3 / 4, "lid": 0.3 * (3 / 4 + 1 / 4 * 2 / 3), "tin": 0.3 / 4}
    )


def test_alpha_is_the_one_of_the_specification() -> None:
    assert ALPHA == 0.3


@given(QUERY, FEEDBACK)
def test_with_alpha_zero_no_weight_changes(query: dict[str, float], feedback: list) -> None:
    expanded = expand(query, feedback, frequency, 16, alpha=0)
    assert {stem: weight for stem, weight in expanded.items() if weight} == query


@given(QUERY, FEEDBACK, st.floats(0, 2))
def test_a_stem_gains_at_most_alpha_and_never_loses(query: dict[str, float], feedback: list, alpha: float) -> None:
    expanded = expand(query, feedback, frequency, 16, alpha=alpha)
    assert set(query) <= set(expanded)
    for stem, weight in expanded.items():
        assert query.get(stem, 0) <= weight <= query.get(stem, 0) + alpha * (1 + 1e-9)


@given(QUERY, FEEDBACK, st.floats(0, 1), st.floats(0, 1))
def test_weights_grow_with_alpha(query: dict[str, float], feedback: list, one: float, other: float) -> None:
    small, large = (expand(query, feedback, frequency, 16, alpha=alpha) for alpha in sorted((one, other)))
    assert set(small) == set(large)
    assert all(small[stem] <= large[stem] for stem in small)


@given(QUERY, FEEDBACK, st.integers(0, 9))
def test_the_order_of_the_feedback_makes_no_difference(query: dict[str, float], feedback: list, seed: int) -> None:
    shuffled = random.Random(seed).sample(feedback, len(feedback))
    assert expand(query, shuffled, frequency, 16) == pytest.approx(expand(query, feedback, frequency, 16))


@given(QUERY, FEEDBACK, st.sampled_from([0.5, 2.0, 8.0]))
def test_only_the_ratio_of_the_scores_counts(query: dict[str, float], feedback: list, factor: float) -> None:
    scaled = [(score * factor, counts) for score, counts in feedback]
    assert expand(query, scaled, frequency, 16) == pytest.approx(expand(query, feedback, frequency, 16))


def test_feedback_of_no_positive_score_changes_nothing() -> None:
    query = {"jar": 2.0}
    assert expand(query, [], frequency, 8) == query
    assert expand(query, [(0.0, {"lid": 3}), (-1.0, {"tin": 1})], frequency, 8) == query


def test_a_document_of_stems_that_every_document_holds_adds_nothing() -> None:
    assert expand({"jar": 1.0}, [(1.0, {"cork": 5}), (1.0, {})], frequency, 8) == {"jar": 1.0}


def test_an_unknown_stem_counts_as_the_rarest() -> None:
    expanded = expand({}, [(1.0, {"new": 1, "tin": 1})], lambda stem: FREQUENCY.get(stem, 0), 8)
    assert expanded == pytest.approx({"new": 0.3, "tin": 0.3})


def test_only_the_heaviest_stems_join_and_ties_go_by_stem() -> None:
    feedback = [(1.0, {"tin": 1, "lid": 1, "jar": 2})]  # weights ln 8, ln 4 and 2·ln 2 = ln 4
    assert set(expand({}, feedback, frequency, 8, terms=1)) == {"tin"}
    assert set(expand({}, feedback, frequency, 8, terms=2)) == {"tin", "jar"}
    assert expand({}, feedback, frequency, 8)["jar"] == pytest.approx(0.3 * math.log(4) / math.log(8))


def test_the_query_given_stays_as_it_was() -> None:
    query = {"jar": 1.0}
    expand(query, [(1.0, {"lid": 1})], frequency, 8)
    assert query == {"jar": 1.0}


def test_impossible_values_are_refused() -> None:
    with pytest.raises(InputError, match=r"not -0\.1 and 20"):
        expand({}, [], frequency, 8, alpha=-0.1)
    with pytest.raises(InputError, match=r"not 0\.3 and 0"):
        expand({}, [], frequency, 8, terms=0)
