from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from releaf.errors import ArtifactError, InputError
from releaf.retrieval.choice import METHODS, Answerability, Method, SearchChoice

CHOICES = (
    SearchChoice(),
    SearchChoice("weighted", 0.4, 10, 0.15, expand=True),
    SearchChoice(rerank=True, rerank_weight=0.3, answerability=Answerability(-1.25, 3.5, 0.1 + 0.2, 1 / 3)),
)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_choice_survives_the_disk(choice: SearchChoice, tmp_path: Path) -> None:
    choice.save(tmp_path)
    assert SearchChoice.load(tmp_path) == choice


def test_the_defaults_are_those_of_the_specification() -> None:
    assert (SearchChoice().fusion, SearchChoice().rrf_k, SearchChoice().weight) == ("rrf", 60, 0.6)


@pytest.mark.parametrize(
    ("choice", "method"),
    [
        (SearchChoice(), "rrf"),
        (SearchChoice("weighted"), "weighted"),
        (SearchChoice("weighted", expand=True), "expanded"),
        (SearchChoice(expand=True, rerank=True), "reranked"),
    ],
)
def test_the_method_is_the_last_step_that_was_chosen(choice: SearchChoice, method: Method) -> None:
    assert choice.method == method
    assert method in METHODS


def test_the_probability_is_a_logistic_one() -> None:
    judge = Answerability(bias=-2.0, cosine=3.0, coverage=1.0, threshold=0.5)
    assert judge.probability(0.5, 0.5) == pytest.approx(0.5)  # −2 + 1.5 + 0.5 = 0
    assert judge.probability(1.0, 1.0) == pytest.approx(1 / (1 + math.exp(-2)))
    assert 0 < Answerability(-1e9, 0, 0, 0.5).probability(1, 1) < Answerability(1e9, 0, 0, 0.5).probability(1, 1) <= 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"fusion": "borda"}, "unknown fusion 'borda'; choose rrf or weighted"),
        ({"weight": 1.1}, r"weight 1\.1 .* must be 0 to 1"),
        ({"weight": math.nan}, "weight nan"),
        ({"rerank_weight": -0.1}, r"rerank_weight -0\.1"),
        ({"floor": 1.01}, r"floor 1\.01 must be 0 to 1"),
        ({"rrf_k": -1}, "rrf_k -1 0 or more"),
    ],
)
def test_contradictory_choices_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SearchChoice(**values)  # type: ignore[arg-type]


def test_missing_damaged_and_foreign_choices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"choice\.json is missing"):
        SearchChoice.load(tmp_path)
    SearchChoice(answerability=Answerability(0, 1, 2, 0.5)).save(tmp_path)
    file = tmp_path / "choice.json"
    sound = json.loads(file.read_text())
    for broken in (
        [],
        None,
        {},
        {**sound, "format": 9},
        {**sound, "fusion": "borda"},
        {**sound, "weight": "much"},
        {**sound, "answerability": {"bias": 1}},
        {**sound, "answerability": 5},
        {name: value for name, value in sound.items() if name != "rrf_k"},
    ):
        file.write_text(json.dumps(broken))
        with pytest.raises(ArtifactError, match=r"is no search choice: .*; run `releaf run`"):
            SearchChoice.load(tmp_path)
    file.write_text(json.dumps(sound)[:20])
    with pytest.raises(ArtifactError, match="not valid JSON"):
        SearchChoice.load(tmp_path)
