from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
import torch

from releaf.errors import InputError
from releaf.language.decoder import Base
from releaf.language.generation import Generation, generate
from releaf.language.generation_batch import generate_batch
from releaf.language.settings import GenerationSettings
from releaf.language.tokenizer import encode

GREEDY = GenerationSettings(12, temperature=0, stop=())
SAMPLED = GenerationSettings(30, temperature=1.0, top_p=0.95, stop=("e",), seed=3)


@pytest.fixture
def prompts(base: Base) -> list[list[int]]:
    """Of very different lengths, in no order."""
    numbers = random.Random(0)
    return [[1, *(numbers.randrange(3, len(base.tokenizer)) for _ in range(n))] for n in (4, 30, 1, 12, 12, 57, 3)]


def one_by_one(base: Base, prompts: list[list[int]], settings: GenerationSettings) -> list[Generation]:
    return [generate(base.model, base.tokenizer, prompt, settings) for prompt in prompts]


@pytest.mark.parametrize("settings", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
@pytest.mark.parametrize("batch_size", [1, 3, 32])
def test_a_batch_answers_as_one_by_one(
    base: Base, prompts: list[list[int]], settings: GenerationSettings, batch_size: int
) -> None:
    together = generate_batch(base.model, base.tokenizer, prompts, settings, batch_size=batch_size)

    assert together == one_by_one(base, prompts, settings)


def test_rows_that_end_early_leave_the_others_as_they_are(base: Base, prompts: list[list[int]]) -> None:
    answers = generate_batch(base.model, base.tokenizer, prompts, SAMPLED)

    assert len({answer.tokens for answer in answers}) > 3
    assert answers == one_by_one(base, prompts, SAMPLED)


def test_a_rows_answer_does_not_depend_on_its_company(base: Base, prompts: list[list[int]]) -> None:
    whole = generate_batch(base.model, base.tokenizer, prompts, SAMPLED)
    part = generate_batch(base.model, base.tokenizer, prompts[::-2], SAMPLED)

    assert part == whole[::-2]


def test_the_same_prompt_under_other_seeds_is_answered_otherwise(base: Base) -> None:
    settings = replace(SAMPLED, stop=())
    answers = generate_batch(base.model, base.tokenizer, [[1, 40, 41]] * 3, settings, seeds=[5, 6, 5])

    assert answers[0] == answers[2] != answers[1]
    assert answers[1] == generate(base.model, base.tokenizer, [1, 40, 41], replace(settings, seed=6))


def test_log_probabilities_are_those_of_a_pass_over_the_whole_text(base: Base, prompts: list[list[int]]) -> None:
    settings = GenerationSettings(10, temperature=0.8, top_p=1.0, stop=())
    answers = generate_batch(base.model, base.tokenizer, prompts, settings, log_probabilities=True)

    for prompt, answer in zip(prompts, answers, strict=True):
        with torch.no_grad():
            logits = base.model(torch.tensor([[*prompt, *answer.ids]])).logits[0, len(prompt) - 1 : -1]
        expected = (logits / 0.8).log_softmax(-1).gather(1, torch.tensor(answer.ids)[:, None])[:, 0]
        torch.testing.assert_close(torch.tensor(answer.log_probabilities), expected, atol=1e-4, rtol=1e-4)


def test_greedy_rows_write_what_transformers_does(base: Base, prompts: list[list[int]]) -> None:
    longest = max(map(len, prompts))
    padded = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    model: Any = base.model
    theirs = model.generate(padded, attention_mask=mask, max_new_tokens=12, do_sample=False)[:, longest:]
    ours = generate_batch(base.model, base.tokenizer, prompts, GREEDY)

    assert [list(answer.ids) for answer in ours] == [
        row[: len(answer.ids)] for row, answer in zip(theirs.tolist(), ours, strict=True)
    ]


def test_rows_end_at_the_end_of_the_context_each_at_its_own(base: Base) -> None:
    prompts = [[40] * (base.context - 1), [41] * (base.context - 4), [42] * 3]
    answers = generate_batch(base.model, base.tokenizer, prompts, replace(GREEDY, max_new_tokens=10**6))

    assert [len(prompt) + answer.tokens for prompt, answer in zip(prompts, answers, strict=True)] == [base.context] * 3


def test_other_scripts_are_answered_beside_plain_text(base: Base) -> None:
    texts = ["Where does glass go?", "ごみを分ける", "\x00\x1b[0m", "♻️" * 8]
    prompts = [encode(base.tokenizer, text) for text in texts]

    assert generate_batch(base.model, base.tokenizer, prompts, GREEDY) == one_by_one(base, prompts, GREEDY)


def test_no_prompts_have_no_answers(base: Base) -> None:
    assert generate_batch(base.model, base.tokenizer, [], GREEDY) == []


def test_a_prompt_that_cannot_be_continued_is_named(base: Base) -> None:
    with pytest.raises(InputError, match="prompt 1: a prompt of 0 tokens cannot be continued"):
        generate_batch(base.model, base.tokenizer, [[1], []], GREEDY)


@pytest.mark.parametrize("wrong", [{"seeds": [1]}, {"batch_size": 0}])
def test_contradictory_arguments_are_refused(base: Base, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="2 prompts need as many seeds"):
        generate_batch(base.model, base.tokenizer, [[1], [1]], GREEDY, **wrong)
