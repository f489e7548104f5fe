from __future__ import annotations

import random
from typing import Any

import pytest

from releaf.reporting.blocks import Table, Text, interval, wilson
from releaf.reporting.sections.search_trust import confidence, confidence_picture, has_confidence, refusals
from tests.reporting.search_evidence import split


@pytest.fixture
def part() -> dict[str, Any]:
    return split(6, random.Random(0))


def cells(table: Table) -> list[list[str]]:
    return [[cell.text.replace("\xa0", " ") for cell in row] for row in table.rows]


def test_levels_of_the_served_method_and_of_rank_fusion_stand_from_high_to_low(part: dict[str, Any]) -> None:
    part["methods"]["rrf"]["confidence"]["low"] = {"queries": 5, "right": 0.4}
    _, table = confidence(part, "weighted")
    assert isinstance(table, Table)
    assert cells(table) == [
        ["▸ weighted fusion", "high", "2", "0.900"],
        ["▸ weighted fusion", "medium", "0", "–"],
        ["▸ weighted fusion", "low", "4", "0.550"],
        ["rrf (reciprocal rank fusion)", "high", "2", "0.900"],
        ["rrf (reciprocal rank fusion)", "medium", "0", "–"],
        ["rrf (reciprocal rank fusion)", "low", "5", "0.400"],
    ]
    assert table.rows[5][2].note == "71%"  # 5 of 2 + 0 + 5
    assert table.rows[5][3].note == interval(*wilson(0.4, 5))


def test_served_rank_fusion_stands_once(part: dict[str, Any]) -> None:
    _, table = confidence(part, "rrf")
    assert isinstance(table, Table)
    assert len(table.rows) == 3


def test_the_picture_says_what_right_means(part: dict[str, Any]) -> None:
    note = confidence_picture(part, "weighted").note
    assert "grade 3 or 2" in note
    assert "where no document has such a grade" in note


def test_a_method_without_confidence_is_not_measured(part: dict[str, Any]) -> None:
    for entry in part["methods"].values():
        del entry["confidence"]
    assert not has_confidence(part, "rrf")
    assert confidence(part, "rrf") == [Text("Confidence: not measured.")]


def test_refusals_are_shares_with_their_counts_and_directions(part: dict[str, Any]) -> None:
    part["refusals"] = {"unanswerable": 12, "refused": 0.75, "answerable": 60, "wrongly_refused": 0.1, "area": 0.913}
    (table,) = refusals(part)
    assert isinstance(table, Table)
    assert cells(table) == [
        ["Nothing answers them", "12", "0.750", "9 of 12", "higher is better"],
        ["Something answers them", "60", "0.100", "6 of 60", "lower is better"],
    ]
    assert "0.913" in table.note


def test_a_search_that_learned_no_refusal_has_no_area(part: dict[str, Any]) -> None:
    part["refusals"]["area"] = None
    (table,) = refusals(part)
    assert isinstance(table, Table)
    assert "learned no probability" in table.note


def test_without_unanswerable_questions_the_reason_is_given(part: dict[str, Any]) -> None:
    said = Text("Questions that nothing answers: not measured. Every judged query has a relevant document.")
    assert refusals({**part, "refusals": None, "unscored": []}) == [said]
    del part["refusals"]
    assert refusals(part) == [Text("Questions that nothing answers: not measured.")]
