from __future__ import annotations

from pathlib import Path

import language
import pytest
from language_parts import generation
from language_parts.generation import Subject

from releaf.language.generation_batch import generate_batch
from releaf.language.settings import GenerationSettings

GREEDY = GenerationSettings(4, temperature=0, stop=())


@pytest.fixture(scope="module")
def subject() -> Subject:
    return generation.made(3)


def test_both_sides_write_the_same(subject: Subject) -> None:
    ours = generate_batch(subject.model, subject.tokenizer, subject.prompts, GREEDY)

    assert [answer.text for answer in ours] == generation.theirs(subject, subject.prompts, GREEDY)
    assert [answer.tokens for answer in ours] == [4, 4, 4]


def test_prompts_have_the_lengths_that_are_told(subject: Subject) -> None:
    assert [len(prompt) for prompt in subject.prompts] == [20, 70, 120]


def test_every_figure_that_is_asked_for_is_measured(tmp_path: Path) -> None:
    chosen = language.arguments(["generation", "--rounds", "2", "--rows", "2", "--tokens", "2"])
    (table,) = language.measure(chosen, tmp_path, lambda _: None)

    assert [row.asked for row in table.rows if row.asked] == ["≥ 1 ×", "≥ 1 ×", "≥ 3 ×", "≥ 3 ×"]
    assert all(value is not None and value > 0 for row in table.rows for value in row.values)
