from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from releaf.policy.model import Mode, Policy
from releaf.policy.moderation import Screening, alter, screen
from releaf.policy.schema import parse_policy
from releaf.taxonomy import Taxonomy

UNRESTRICTED = Policy("default", "Default", "1.0.0", date(2000, 1, 1), Mode.UNRESTRICTED)


@pytest.fixture
def policy(raw: dict[str, Any], taxonomy: Taxonomy) -> Policy:
    return parse_policy(raw, taxonomy, "form")


@given(question=st.text(), answer=st.text())
def test_an_unrestricted_policy_leaves_every_answer_as_it_is(question: str, answer: str) -> None:
    assert alter(answer, screen(UNRESTRICTED, question, "battery", "steel")) == answer


def test_a_refusal_replaces_the_answer(policy: Policy) -> None:
    screening = screen(policy, "How do I reuse a syringe?")
    assert screening.refused
    assert alter("Wash it and fill it with glue.", screening) == "Take sharps to a pharmacy."


def test_a_warning_follows_the_answer(policy: Policy) -> None:
    screening = screen(policy, "Where does this go?", "battery")
    assert not screening.refused
    assert alter("Hand it in.", screening) == "Hand it in.\n\nTape the poles."


def test_a_refused_answer_keeps_its_warnings(policy: Policy) -> None:
    screening = screen(policy, "a battery and a syringe", "battery")
    assert alter("Anything.", screening) == "Take sharps to a pharmacy.\n\nTape the poles."


def test_a_question_without_hazards_is_not_touched(policy: Policy) -> None:
    assert screen(policy, "Can I compost pine needles?", "fruit_peel", "food_scraps") == Screening()
