from __future__ import annotations

import pytest

from releaf.errors import DataError
from releaf.language.answering import EXTRACTIVE, Asked, choose_answerer, is_refusal
from releaf.language.passages import Vectors
from releaf.language.support import MEASURES, SupportJudge
from tests.language.answer_words import embed, retrieved

# Supported is what shares all its words with the passages.
WORDS = SupportJudge((0, 0, 20.0, 0, 0, 0), -15.0, (0.0,) * 6, (1.0,) * 6, 0.5)
FOUND = retrieved("Rinse the glass jar with water.")


def asked(n: int, unanswerable: int = 1) -> list[Asked]:
    known = [Asked(f"q{place}", "rinse", FOUND, "Rinse the glass jar with water.") for place in range(n)]
    return known + [Asked(f"u{place}", "tax", FOUND, None) for place in range(unanswerable)]


def choose(n: int, **answers: list[str]):
    return choose_answerer(asked(n), answers, WORDS, Vectors(embed), least_support=0.8)


def test_the_measures_are_those_the_judge_here_was_made_for():
    assert MEASURES[2] == "all_words"


def test_an_unsupported_writer_does_not_speak_however_well_it_scores():
    good, partial = "Rinse the glass jar with water.", "Rinse the glass jar."
    lies = f"{good} Moonlight dissolves titanium rockets."
    choice = choose(30, extractive=[partial] * 30 + ["I do not know."], writer=[lies] * 30 + ["Rinse mercury planets."])
    assert choice.serves == EXTRACTIVE
    assert choice.figures["writer"].supported < 0.8
    assert "writer is supported in" in choice.reason


def test_a_supported_and_significantly_better_writer_is_served():
    good, worse = "Rinse the glass jar with water.", "Rinse the glass water."
    choice = choose(30, extractive=[worse] * 30 + ["I do not know."], writer=[good] * 30 + ["I do not know."])
    assert choice.serves == "writer"
    assert choice.p_values["writer"] < 0.05


def test_a_writer_that_is_no_better_leaves_the_quotes_in_place():
    same = ["Rinse the glass jar with water."] * 5 + ["I do not know."]
    choice = choose(5, extractive=same, writer=same)
    assert choice.serves == EXTRACTIVE
    assert choice.p_values == {"writer": 1.0}


def test_refusals_are_counted_apart_for_both_kinds_of_questions():
    choice = choose(2, extractive=["I do not know.", "Rinse the glass jar with water.", "I do not know. Ask them."])
    figures = choice.figures[EXTRACTIVE]
    assert figures.refused_answerable == 0.5
    assert figures.refused_unanswerable == 1.0
    assert figures.rouge_l == pytest.approx(0.5)
    assert (figures.answerable, figures.unanswerable) == (2, 1)


def test_every_answerer_answers_every_question():
    with pytest.raises(DataError, match="1 answers to 2 questions"):
        choose(1, extractive=["Rinse."])


def test_without_a_reference_nothing_can_be_compared():
    with pytest.raises(DataError, match="no held-out question"):
        choose_answerer(asked(0), {"extractive": ["x"]}, WORDS, Vectors(embed), least_support=0.8)


@pytest.mark.parametrize(
    ("text", "refuses"), [("", True), ("  I do not know. Ask.", True), ("I don't know", True), ("I do.", False)]
)
def test_a_refusal_says_so(text, refuses):
    assert is_refusal(text) is refuses
