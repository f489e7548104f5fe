from __future__ import annotations

from typing import Any

import pytest

from releaf.reporting.blocks import Block, Table, Text
from releaf.reporting.sections.search_choice import choice, choice_picture, encoder, in_words
from tests.reporting import search_evidence
from tests.reporting.search_evidence import way


@pytest.fixture
def chosen() -> dict[str, Any]:
    return search_evidence.choice()


def tables(blocks: list[Block]) -> list[Table]:
    return [block for block in blocks if isinstance(block, Table)]


def marked(chosen: dict[str, Any]) -> list[list[str]]:
    return [[cell.text for cell in row[1:]] for row in tables(choice(chosen))[-1].rows if row[0].text == "chosen"]


def test_every_candidate_stands_in_the_table_best_first(chosen: dict[str, Any]) -> None:
    rows = tables(choice(chosen))[-1].rows
    figures = [float(row[5].text) for row in rows]
    assert len(rows) == len(chosen["candidates"]) == 30
    assert figures == sorted(figures, reverse=True)
    assert [row[5].tone for row in rows].count("best") == 1


def test_the_served_reranking_is_marked(chosen: dict[str, Any]) -> None:
    assert marked(chosen) == [["weighted", "0.7", "no", "0.6", "0.771"]]


def test_without_reranking_its_fusion_is_marked(chosen: dict[str, Any]) -> None:
    chosen["choice"]["rerank"] = False
    assert marked(chosen) == [["weighted", "0.7", "no", "–", "0.742"]]


def test_rank_fusion_is_marked_whatever_weight_stands_beside_it(chosen: dict[str, Any]) -> None:
    chosen["choice"] = way(expand=True, weight=0.3)
    assert marked(chosen) == [["rank fusion (rrf)", "–", "yes", "–", "0.722"]]


@pytest.mark.parametrize(
    ("served", "difference", "p", "why"),
    [
        (True, 0.03, 0.004, "chance alone would hardly make it look so"),
        (False, 0.03, 0.2, "Chance alone may have made it look better."),
        (False, -0.01, 0.004, "It is not better than the fusion that it reorders."),
    ],
)
def test_it_is_said_why_the_reranker_is_or_is_not_served(
    chosen: dict[str, Any], served: bool, difference: float, p: float, why: str
) -> None:
    chosen["choice"]["rerank"] = served
    chosen["reranking"] = {"difference": difference, "low": -0.02, "high": 0.05, "p_value": p}
    (row,) = tables(choice(chosen))[0].rows
    assert row[0].text == f"{difference:+.3f}"
    assert row[1].text == f"{p:.4f}"
    assert row[2].text == ("yes" if served else "no")
    assert why in row[3].text


def test_without_a_reranker_there_is_nothing_to_compare(chosen: dict[str, Any]) -> None:
    chosen["reranking"] = None
    chosen["candidates"] = [c for c in chosen["candidates"] if c["method"] != "reranked"]
    chosen["choice"]["rerank"] = False
    text = Text("Reranker against the chosen fusion: not measured, because there was none to compare.")
    assert text in choice(chosen)
    assert choice_picture(chosen).width < choice_picture(search_evidence.choice()).width


def test_a_choice_is_told_in_words(chosen: dict[str, Any]) -> None:
    assert in_words(chosen["choice"]) == (
        "weighted fusion with dense weight 0.7, the query not expanded, reranked with weight 0.6, "
        "“nothing answers” below a probability of 0.417"
    )
    assert in_words(way(expand=True)) == "rank fusion (rrf), the query expanded, not reranked, never refusing"


def test_a_choice_that_was_not_recorded_was_not_measured() -> None:
    assert choice(None) == choice({}) == [Text("How the served search was chosen: not measured.")]


def test_the_encoder_loses_a_share_of_the_reference() -> None:
    figures = {"min_cosine": 0.97, "mean_cosine": 0.99, "served_ndcg@10": 0.6, "reference_ndcg@10": 0.75}
    (table,) = encoder({**figures, "ndcg_loss": 0.2})
    assert isinstance(table, Table)
    assert [row[1].text for row in table.rows] == ["0.9900", "0.9700", "0.600", "0.750", "20.00 %"]
    (table,) = encoder({**figures, "ndcg_loss": -0.01})
    assert isinstance(table, Table)
    assert table.rows[-1][1].text == "−1.00 %"
