from __future__ import annotations

import pytest

from releaf.errors import DataError, InputError
from releaf.language.extractive import REFUSAL, ExtractiveSettings, answer, tune
from releaf.language.passages import Retrieved, Vectors
from tests.language.answer_words import embed, retrieved

FOUND = retrieved("Rinse the jar. Peel rots quickly.", "Take the steel lid off the jar.", "Wind blows over hills.")
OPEN = ExtractiveSettings(sentences=1, refuse_below=0.0)


def test_the_nearest_sentence_is_quoted_with_its_document():
    got = answer("how do I rinse the jar", FOUND, Vectors(embed), OPEN)
    assert got.text == "Rinse the jar."
    assert [one.document for one in got.quoted] == ["doc0"]


LONG = retrieved(
    "Wind blows. Peel off the label. Take the steel lid off the jar. Rinse the jar. Hills are green.", "Jar."
)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "Take the steel lid off the jar."),
        (2, "Take the steel lid off the jar. Rinse the jar."),
        (3, "Peel off the label. Take the steel lid off the jar. Rinse the jar."),
        (9, "Wind blows. Peel off the label. Take the steel lid off the jar. Rinse the jar. Hills are green."),
    ],
)
def test_an_answer_grows_around_its_nearest_sentence_and_never_leaves_the_passage(count, said):
    settings = ExtractiveSettings(sentences=count, refuse_below=0.0)
    assert answer("take the steel lid off the jar", LONG, Vectors(embed), settings).text == said


def test_a_question_that_nothing_is_near_to_is_refused():
    got = answer("quantum chromodynamics", FOUND, Vectors(embed), ExtractiveSettings(refuse_below=0.3))
    assert got.refused
    assert got.text == REFUSAL


def test_no_passage_is_no_answer():
    assert answer("rinse", Retrieved(()), Vectors(embed), OPEN).refused


def test_headings_and_questions_are_not_quoted():
    found = retrieved("# Rinse the jar\nWhy rinse the jar? Soap lifts grease.")
    assert answer("why rinse the jar", found, Vectors(embed), OPEN).text == "Soap lifts grease."


def test_a_sentence_in_two_passages_is_quoted_once():
    settings = ExtractiveSettings(sentences=2, refuse_below=0.0)
    assert answer("rinse", retrieved("Rinse it.", "Rinse it."), Vectors(embed), settings).text == "Rinse it."


def test_tuning_parts_the_unanswerable_from_the_answerable():
    questions = [("how do I rinse the jar", FOUND, "Rinse the jar."), ("quantum chromodynamics", FOUND, None)]
    chosen = tune(questions, Vectors(embed))
    assert chosen.sentences == 1
    assert answer("quantum chromodynamics", FOUND, Vectors(embed), chosen).refused
    assert not answer("how do I rinse the jar", FOUND, Vectors(embed), chosen).refused


def test_tuning_without_an_unanswerable_question_refuses_nothing():
    assert tune([("rinse the jar", FOUND, "Rinse the jar.")], Vectors(embed)).refuse_below == -1.0


def test_tuning_needs_an_answerable_question():
    with pytest.raises(DataError, match="no development question"):
        tune([("rinse", FOUND, None)], Vectors(embed))


def test_an_answer_of_no_sentence_is_refused():
    with pytest.raises(InputError, match="0 sentences"):
        ExtractiveSettings(sentences=0)
