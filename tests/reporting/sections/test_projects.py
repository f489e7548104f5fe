from __future__ import annotations

from typing import Any

from releaf.reporting.blocks import Table, Text
from releaf.reporting.sections.projects import projects


def ranks(value: float) -> dict[str, float]:
    return {
        "pairs": 40,
        "candidates": 300.0,
        "mrr": value,
        "hits_at_1": value,
        "hits_at_10": value,
        "ndcg_at_10": value,
    }


def task() -> dict[str, Any]:
    gain = {"value": 0.2, "low": 0.1, "high": 0.3, "p": 0.001, "p_items": 0.01, "verdict": "better"}
    return {
        "figures": {"plausible": {"model": ranks(0.5), "structure": ranks(0.6), "degree": ranks(0.3)}},
        "gains": {"plausible": {"hits_at_10": {"degree": gain}}},
    }


def links() -> dict[str, Any]:
    edge = {"auc": 0.9, "average_precision": 0.8, "mrr": 0.5, "hits_at_10": 0.7}
    return {
        "choice": {"model": "sage_mean", "blend": 1.0, "serves": "model", "serves_new": "three_paths"},
        "projects": task(),
        "new_items": task(),
        "hard": {"model": edge},
        "attention": [{"layer": 1, "node": "item:jar", "rank": 1, "attends_to": "material:glass", "weight": 0.4}],
        "overall": {"model": {**edge, "auc": 0.95}},
    }


def test_what_scores_known_and_new_items_is_said_first():
    text = next(block for block in projects(links()) if isinstance(block, Text))
    assert "new ones by three paths" in text.text.lower()


def test_a_part_of_the_model_is_never_the_best_of_the_rivals():
    table = next(block for block in projects(links()) if isinstance(block, Table))
    tones = {row[0].text: row[1].tone for row in table.rows}
    assert list(tones.values()) == ["best", "", ""]
    assert table.rows[2][5].text == "+0.200"


def test_what_an_item_attends_to_is_shown():
    table = [block for block in projects(links()) if isinstance(block, Table)][-1]
    assert [cell.text for cell in table.rows[0]] == ["jar", "1", "glass", "0.400"]


def test_hard_figures_stand_over_random_ones():
    table = [block for block in projects(links()) if isinstance(block, Table)][-2]
    assert (table.rows[0][1].text, table.rows[0][1].note) == ("0.900", "0.950")


def test_a_report_without_the_task_shows_nothing_of_it():
    assert projects({"overall": {}}) == []
