from __future__ import annotations

from dataclasses import asdict

import pytest

from releaf.errors import ArtifactError
from releaf.language.extractive import REFUSAL, ExtractiveSettings
from releaf.language.passages import Vectors
from releaf.language.served import Answerer
from releaf.language.support import SupportJudge
from tests.language.answer_words import embed, retrieved

WORDS = SupportJudge((0, 0, 20.0, 0, 0, 0), -15.0, (0.0,) * 6, (1.0,) * 6, 0.5)
FOUND = retrieved("Rinse the glass jar with water.", "Take the steel lid off.")
QUOTING = ExtractiveSettings(sentences=1, refuse_below=0.2)


def ask(serves: str, written: str | None = None, question: str = "rinse the glass jar"):
    write = None if written is None else (lambda asked: [written for _ in asked])
    return Answerer(serves, QUOTING, WORDS).answer(question, FOUND, Vectors(embed), write)


def test_quotes_are_served_with_their_document():
    got = ask("extractive")
    assert got.text == "Rinse the glass jar with water."
    assert [one.document for one in got.citations] == ["doc0"]


def test_a_question_without_an_answer_is_refused():
    got = ask("extractive", question="income tax")
    assert (got.refused, got.text, got.citations) == (True, REFUSAL, ())


def test_of_a_model_only_supported_sentences_are_said_with_the_nearest_sentence_as_source():
    got = ask("adapter", "Take the steel lid off. Moonlight dissolves titanium rockets.")
    assert got.text == "Take the steel lid off."
    assert [one.document for one in got.citations] == ["doc1"]


@pytest.mark.parametrize("written", ["Moonlight dissolves titanium rockets.", "", "I do not know.", "Ok."])
def test_a_model_that_says_nothing_supported_is_not_heard(written):
    assert ask("adapter", written).refused


def test_a_model_that_is_served_must_be_open():
    with pytest.raises(ArtifactError, match="adapter"):
        ask("adapter")


def test_the_choice_comes_back_from_json():
    raw = {"serves": "extractive", "quoting": asdict(QUOTING), "judge": asdict(WORDS), "reason": "x"}
    assert Answerer.from_json(raw) == Answerer("extractive", QUOTING, WORDS)
    with pytest.raises(ArtifactError, match="releaf run"):
        Answerer.from_json({"serves": "extractive"})
