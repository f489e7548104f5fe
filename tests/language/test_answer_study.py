from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from releaf.language.answer_study import AnswerStudy, Questions, spread, study
from releaf.language.passages import Passage, Retrieved
from tests.language.answer_words import embed

SAID = {
    "jars": ["Rinse glass jars with 2 litres of water.", "Steel lids are taken off jars first."],
    "peel": ["Orange peel can rot within 6 weeks.", "Turn the wet heap with a long fork."],
    "cans": ["A magnet lifts steel cans from the belt.", "Aluminium cans are thrown aside by currents."],
    "bags": ["Carry thin film back to the shop.", "Film will wrap around shafts of the plant."],
}
PASSAGES = {name: [Passage(name, name, " ".join(said))] for name, said in SAID.items()}


def records() -> pl.DataFrame:
    rows: list[dict[str, Any]] = []
    for place, split in enumerate(["train", "train", "validation", "test"]):
        for name, said in SAID.items():
            rows.append(
                {
                    "id": f"{name}-{place}",
                    "instruction": f"Tell me about {name}.",
                    "input": "",
                    "output": said[place % 2],
                    "topic": "sorting",
                    "source": f"knowledge/{name}",
                    "split": split,
                }
            )
    return pl.DataFrame(rows)


QUERIES = pl.DataFrame(
    {
        "id": ["a", "b", "c"],
        "query": ["income tax", "bond yields", "jars"],
        "split": ["dev", "test", "test"],
        "answerable": [False, False, True],
    }
)


def retrieve(questions: Any) -> list[Retrieved]:
    return [Retrieved(tuple(passage for found in PASSAGES.values() for passage in found)) for _ in questions]


@pytest.fixture(scope="module")
def done() -> AnswerStudy:
    babble = lambda asked: ["Moonlight dissolves titanium rockets quickly." for _ in asked]  # noqa: E731
    return study(
        Questions(records(), QUERIES), PASSAGES, retrieve, embed, {"adapter": babble}, least_support=0.8, seed=0
    )


def test_what_babbles_is_not_served(done: AnswerStudy) -> None:
    assert done.choice.serves == "extractive"
    assert done.choice.figures["adapter"].supported == 0.0
    assert done.choice.figures["extractive"].supported == 1.0


def test_every_test_question_is_asked_once_and_no_other(done: AnswerStudy) -> None:
    assert (done.answerable, done.unanswerable) == (4, 1)


def test_figures_of_the_served_answerer_have_their_own_names(done: AnswerStudy) -> None:
    figures = done.metrics()
    assert figures["served_supported"] == figures["extractive_supported"]
    assert figures["support_error"] == done.judged.error


def test_what_serving_needs_is_plain_json(done: AnswerStudy) -> None:
    from releaf.language.served import Answerer

    assert Answerer.from_json(done.served) == Answerer("extractive", done.quoting, done.judge)
    assert done.as_json()["choice"]["serves"] == "extractive"


def test_spread_rows_keep_their_order_and_number() -> None:
    assert spread(range(10), 4) == [0, 2, 5, 7]
    assert spread("ab", 4) == ["a", "b"]
