from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.retrieval.confidence import Confidence, confidence


@pytest.mark.parametrize(
    ("scores", "level", "margin"),
    [
        ([10.0, 6.0, 5.0], "high", 0.4),
        ([10.0, 8.0], "medium", 0.2),
        ([10.0, 9.5], "low", 0.05),
        ([8.0, 5.6], "medium", 0.3),
        ([1.0, 0.9], "medium", 0.1),
        ([2.0, 2.0], "low", 0.0),
    ],
)
def test_levels_by_hand(scores: list[float], level: str, margin: float) -> None:
    assert confidence(scores).margin == pytest.approx(margin)
    assert confidence(scores).level == level


def test_nothing_found_and_a_first_score_of_zero_are_low() -> None:
    assert confidence([]) == confidence([0.0]) == confidence([0.0, 0.0]) == Confidence("low", 0.0)
    assert confidence([-0.1, -0.5]) == Confidence("low", 0.0)


def test_a_single_result_leads_over_nothing() -> None:
    assert confidence([0.02]) == Confidence("high", 1.0)
    assert confidence([0.5, -0.5]) == Confidence("high", 1.0)


@given(st.lists(st.floats(-1e6, 1e6), max_size=5).map(lambda scores: sorted(scores, reverse=True)))
def test_the_margin_lies_between_zero_and_one(scores: list[float]) -> None:
    assert 0.0 <= confidence(scores).margin <= 1.0


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=5), st.sampled_from([0.5, 2.0, 8.0]))
def test_the_margin_does_not_depend_on_the_scale_of_the_scores(scores: list[float], factor: float) -> None:
    ordered = sorted(scores, reverse=True)
    assert confidence([score * factor for score in ordered]) == confidence(ordered)
