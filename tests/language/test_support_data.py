from __future__ import annotations

import pytest

from releaf.errors import DataError
from releaf.language.passages import Vectors
from releaf.language.support_data import Grounded, fit_judge, ground, judge_figures, plant
from tests.language.answer_words import embed, passage

TEXTS = {
    "jars": "Rinse glass jars with 2 litres of water. Steel lids are taken off jars first.",
    "peel": "Orange peel can rot within 6 weeks in a heap. Turn the wet heap with a fork often.",
    "cans": "A magnet lifts steel cans from the belt. Aluminium cans are thrown aside by eddy currents.",
    "bags": "Carry thin film back to the shop in winter. Film will wrap around shafts and stop the plant.",
}


def records():
    return [Grounded(name, "sorting", name, text, (passage(text, name),)) for name, text in TEXTS.items()]


def test_each_sentence_is_planted_as_it_is_and_changed():
    planted = plant(records()[:1] + records()[1:2], seed=0)
    of_jars = [one for one in planted if one.passages[0].document == "jars"]
    by_kind = {one.kind: one.sentence for one in of_jars if "Rinse" in one.sentence or "litres" in one.sentence}
    assert by_kind["supported"] == "Rinse glass jars with 2 litres of water."
    assert by_kind["swapped"] == "Rinse aluminium jars with 2 litres of water."
    assert by_kind["number"] != by_kind["supported"]
    assert "Steel lids are not taken off jars first." in [one.sentence for one in of_jars if one.kind == "negated"]


def test_the_sentence_from_elsewhere_is_of_another_document():
    for one in plant(records(), seed=1):
        if one.kind == "elsewhere":
            assert one.sentence not in one.passages[0].text


def test_planting_depends_on_the_seed_alone():
    assert plant(records(), seed=3) == plant(records(), seed=3)


def test_a_judge_accepts_what_stands_there_and_refuses_what_was_changed():
    plants, vectors = plant(records(), seed=0), Vectors(embed)
    figures = judge_figures(fit_judge(plants, vectors), plants, vectors)
    assert figures.auc > 0.9
    assert figures.error < 0.15
    assert figures.error == pytest.approx((figures.false_support + figures.missed) / 2)


def test_a_judge_needs_sentences_of_both_kinds():
    supported = [one for one in plant(records(), seed=0) if one.kind == "supported"]
    with pytest.raises(DataError, match="0 planted"):
        fit_judge(supported, Vectors(embed))


def test_only_records_that_rest_on_a_document_are_grounded():
    row = {"id": "a", "topic": "reuse", "output": "Rinse it."}
    passages = {"jars": [passage("Rinse it.")]}
    rows = [row | {"source": source} for source in ("knowledge/jars", "knowledge/gone", "file.json")]
    assert [one.document for one in ground(rows, passages)] == ["jars"]
