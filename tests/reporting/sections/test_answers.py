from __future__ import annotations

from releaf.reporting.blocks import Table, Text
from releaf.reporting.sections.answers import answerers
from tests.reporting.conftest import answers


def tables() -> list[Table]:
    return [block for block in answerers(answers()) if isinstance(block, Table)]


def test_the_served_answerer_and_the_reason_come_first():
    text = next(block for block in answerers(answers()) if isinstance(block, Text))
    assert "Served: extractive answers, because adapter is supported in 10%" in text.text


def test_every_answerer_has_a_row_with_its_interval():
    rows = {row[0].text: [cell.text for cell in row] for row in tables()[0].rows}
    assert rows["Extractive"][:3] == ["Extractive", "0.250", "1.000"]
    assert rows["Adapter"][-1] == "0.001"


def test_the_errors_of_the_judge_are_shown():
    shown = {row[0].text: row[1].text for row in tables()[1].rows}
    assert shown["Planted: number"] == "0.000"
    assert shown["Supported sentences not accepted"] == "0.250"


def test_answers_stand_side_by_side():
    assert [column.name for column in tables()[2].columns] == ["Question", "Reference", "Extractive", "Adapter"]
