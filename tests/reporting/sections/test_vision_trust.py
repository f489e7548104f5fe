from __future__ import annotations

from typing import Any

import pytest

from releaf.reporting.blocks import Block, Pictures, Table, Text
from releaf.reporting.sections.vision_trust import explanations, novelty
from tests.reporting.conftest import picture
from tests.reporting.vision_evidence import evaluation


@pytest.fixture
def vision() -> dict[str, Any]:
    return evaluation(("can", "jar"), ("steel", "glass"), 20)


def table(blocks: list[Block]) -> Table:
    return next(block for block in blocks if isinstance(block, Table))


def test_unknown_things_are_listed_by_kind_with_intervals(vision: dict[str, Any]) -> None:
    found = table(novelty(vision["novelty"]))
    assert [[cell.text for cell in row] for row in found.rows] == [
        ["photograph crop", "200", "0.871", "0.430"],
        ["synthetic", "200", "0.992", "0.965"],
    ]
    assert found.rows[0][3].note == "0.363 to 0.499"


def test_score_threshold_and_false_alarms_are_said(vision: dict[str, Any]) -> None:
    said = novelty(vision["novelty"])[0]
    assert isinstance(said, Text)
    assert "the summed distance to the nearest class mean and to the nearest training images is above 2.31" in said.text
    assert "Of known test images it says so in 0.052 (lower is better)." in said.text


@pytest.mark.parametrize("found", [None, {}, {"score": "probability", "detection": {}}])
def test_no_novelty_is_one_sentence(found: dict[str, Any] | None) -> None:
    assert novelty(found) == [Text("Images of things that are no waste: not measured.")]


def test_saliency_is_better_than_chance_where_deletion_is_lower_and_insertion_higher(vision: dict[str, Any]) -> None:
    found = table(explanations(vision["faithfulness"], {}))
    assert found.title == "Is the saliency faithful? (n = 40 images)"
    assert [(row[0].text, row[1].text, row[2].text, row[3].text, row[3].tone) for row in found.rows] == [
        ("Deletion", "0.312", "0.447", "+0.135", "good"),
        ("Insertion", "0.655", "0.521", "+0.134", "good"),
    ]
    worse = {**vision["faithfulness"], "deletion_auc": 0.5}
    assert table(explanations(worse, {})).rows[0][3].text == "-0.053"
    assert table(explanations(worse, {})).rows[0][3].tone == "bad"


def test_examples_stand_before_the_figures_and_either_is_enough(vision: dict[str, Any]) -> None:
    both = explanations(vision["faithfulness"], {"explanations": picture()})
    assert [type(block) for block in both] == [Pictures, Table]
    assert [type(block) for block in explanations(None, {"explanations": picture()})] == [Pictures]
    assert explanations(None, {}) == [Text("Explanations of answers: not measured.")]
