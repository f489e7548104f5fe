from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast

from releaf.errors import InputError
from releaf.language.decoder import Base
from releaf.language.generation import Ending, Generation, generate, stream
from releaf.language.settings import GenerationSettings
from releaf.language.tokenizer import encode

GREEDY = GenerationSettings(max_new_tokens=12, temperature=0)
PROMPT = [1, 40, 41, 42]


class Scripted(nn.Module):
    """Writes given token ids one after the other, whatever it reads."""

    def __init__(self, tokens: list[int], *, vocabulary: int, context: int = 100) -> None:
        super().__init__()
        self.anchor = nn.Parameter(torch.zeros(1))
        self.config = SimpleNamespace(max_position_embeddings=context)
        self.tokens = tokens
        self.vocabulary = vocabulary

    def forward(self, input_ids: Tensor, past_key_values: int | None, use_cache: bool, logits_to_keep: int) -> Any:
        step = past_key_values or 0
        logits = torch.zeros(1, input_ids.shape[1], self.vocabulary)
        logits[0, -1, self.tokens[step]] = 50.0
        return SimpleNamespace(logits=logits, past_key_values=step + 1)


def write(tokenizer: PreTrainedTokenizerFast, text: str, *, end: bool = True, context: int = 100) -> Scripted:
    tokens = encode(tokenizer, text) + [tokenizer.eos_token_id] * end
    return Scripted(tokens, vocabulary=len(tokenizer), context=context)


def listen(
    model: nn.Module, tokenizer: PreTrainedTokenizerFast, settings: GenerationSettings
) -> tuple[list[str], Ending]:
    pieces, answers = [], stream(model, tokenizer, PROMPT, settings)
    while True:
        try:
            pieces.append(next(answers))
        except StopIteration as stopped:
            return pieces, stopped.value


def test_greedy_writes_what_transformers_does(base: Base) -> None:
    model: Any = base.model
    with torch.no_grad():
        theirs = model.generate(
            torch.tensor([PROMPT]), attention_mask=torch.ones(1, 4), max_new_tokens=12, do_sample=False
        )
    expected = [token for token in theirs[0, 4:].tolist() if token != base.tokenizer.eos_token_id]
    ours = generate(base.model, base.tokenizer, PROMPT, GenerationSettings(12, temperature=0, stop=()))

    assert ours.text == base.tokenizer.decode(expected, skip_special_tokens=True)


def test_the_cache_changes_nothing(base: Base) -> None:
    ids = list(PROMPT)
    with torch.no_grad():
        for _ in range(8):
            ids.append(int(base.model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    ours = generate(base.model, base.tokenizer, PROMPT, GenerationSettings(8, temperature=0, stop=()))

    assert ours.text == base.tokenizer.decode(ids[4:], skip_special_tokens=True)


def test_a_seed_repeats_an_answer_and_another_draws_another(base: Base) -> None:
    first, second, third = (
        generate(base.model, base.tokenizer, PROMPT, GenerationSettings(20, temperature=1.0, seed=seed)).text
        for seed in (1, 1, 2)
    )

    assert first == second != third


def test_pieces_of_a_stream_joined_are_the_answer(base: Base) -> None:
    settings = GenerationSettings(20, temperature=1.0, top_p=0.9, seed=4)
    pieces, ending = listen(base.model, base.tokenizer, settings)

    assert Generation("".join(pieces), ending.reason, ending.tokens, ending.ids) == generate(
        base.model, base.tokenizer, PROMPT, settings
    )


def test_the_end_token_ends_an_answer_and_is_not_shown(tokenizer: PreTrainedTokenizerFast) -> None:
    answer = generate(write(tokenizer, "Go"), tokenizer, PROMPT, GREEDY)

    assert answer == Generation("Go", "end", 3, (*encode(tokenizer, "Go"), 2))


def test_a_stop_string_ends_an_answer_and_is_not_shown(tokenizer: PreTrainedTokenizerFast) -> None:
    settings = GenerationSettings(100, temperature=0, stop=("##", " the end"))
    answer = generate(write(tokenizer, "To the bin. the end, or not ##"), tokenizer, PROMPT, settings)

    assert (answer.text, answer.reason) == ("To the bin.", "stop")


def test_a_stream_never_shows_the_beginning_of_a_stop_string(tokenizer: PreTrainedTokenizerFast) -> None:
    settings = GenerationSettings(100, temperature=0, stop=("\n\n### ",))
    pieces, ending = listen(write(tokenizer, "Bin\n\nor\n\n### Input"), tokenizer, settings)

    assert "".join(pieces) == "Bin\n\nor"
    assert ending.reason == "stop"
    assert not any(piece.endswith("\n\n#") for piece in pieces)


def test_what_only_looked_like_a_stop_string_is_shown_in_the_end(tokenizer: PreTrainedTokenizerFast) -> None:
    settings = GenerationSettings(100, temperature=0, stop=("\n\n### ",))
    pieces, ending = listen(write(tokenizer, "Bin\n\n##"), tokenizer, settings)

    assert "".join(pieces) == "Bin\n\n##"
    assert ending.reason == "end"


def test_a_character_of_several_tokens_comes_in_one_piece(tokenizer: PreTrainedTokenizerFast) -> None:
    pieces, _ = listen(write(tokenizer, "70 °C ♻ ok"), tokenizer, GenerationSettings(100, temperature=0))

    assert len(encode(tokenizer, "♻")) == 3
    assert "".join(pieces) == "70 °C ♻ ok"
    assert "\N{REPLACEMENT CHARACTER}" not in "".join(pieces)


def test_an_answer_is_cut_at_the_wanted_length(tokenizer: PreTrainedTokenizerFast) -> None:
    answer = generate(
        write(tokenizer, "a b c d e f"), tokenizer, PROMPT, GenerationSettings(max_new_tokens=3, temperature=0)
    )

    assert (answer.reason, answer.tokens) == ("length", 3)


def test_an_answer_is_cut_at_the_end_of_the_context(tokenizer: PreTrainedTokenizerFast) -> None:
    answer = generate(write(tokenizer, "a b c d e f", context=6), tokenizer, PROMPT, GREEDY)

    assert (answer.reason, answer.tokens) == ("length", 2)


@pytest.mark.parametrize("prompt", [[], [1] * 6, [1] * 7])
def test_a_prompt_that_leaves_no_room_is_refused(tokenizer: PreTrainedTokenizerFast, prompt: list[int]) -> None:
    with pytest.raises(InputError, match=f"prompt of {len(prompt)} tokens cannot be continued in a context of 6"):
        generate(write(tokenizer, "a", context=6), tokenizer, prompt, GREEDY)


@pytest.mark.parametrize("strange", [-1, 10_000])
def test_a_prompt_with_a_token_the_model_does_not_know_is_refused(base: Base, strange: int) -> None:
    with pytest.raises(InputError, match=f"holds the token {strange}, and the model knows 0 to"):
        generate(base.model, base.tokenizer, [1, strange], GREEDY)


@pytest.mark.parametrize("text", ["\x00\x07\x1b[31m", "ごみを分ける", "أعد التدوير", "👩‍🔬♻️"])
def test_a_prompt_of_control_characters_or_another_script_is_answered(base: Base, text: str) -> None:
    answer = generate(base.model, base.tokenizer, [1, *encode(base.tokenizer, text)], GREEDY)

    assert answer.tokens == len(answer.ids) <= 12
    assert answer.text.encode()


def test_a_prompt_that_fills_all_but_one_place_of_the_context_gets_one_token(base: Base) -> None:
    answer = generate(base.model, base.tokenizer, [40] * (base.context - 1), GREEDY)

    assert answer.tokens == 1


def test_a_tokenizer_without_an_end_token_writes_to_the_length(tokenizer: PreTrainedTokenizerFast) -> None:
    endless = copy.deepcopy(tokenizer)
    endless.eos_token = None
    answer = generate(write(tokenizer, "abc" + "d" * 20), endless, PROMPT, GREEDY)

    assert (answer.reason, answer.tokens) == ("length", 12)


def test_every_end_token_of_the_checkpoint_ends_an_answer(tokenizer: PreTrainedTokenizerFast) -> None:
    model: Any = write(tokenizer, "ab")
    model.generation_config = SimpleNamespace(eos_token_id=[2, model.tokens[0]])

    assert generate(model, tokenizer, PROMPT, GREEDY).reason == "end"
