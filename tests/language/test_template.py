from __future__ import annotations

import polars as pl
import pytest
from transformers import PreTrainedTokenizerFast

from releaf.errors import InputError
from releaf.language.template import (
    Instruction,
    decoded_example,
    encode_example,
    encode_prompt,
    read_instructions,
    render_prompt,
)
from releaf.language.tokenizer import decode
from releaf.metrics.text import IGNORED

RECORD = Instruction("ins-1", "Where does it go?", "A glass jar", "To the glass bank.")


def test_the_prompt_has_the_three_sections_of_the_alpaca_form() -> None:
    assert render_prompt("Where?", "A jar") == "### Instruction:\nWhere?\n\n### Input:\nA jar\n\n### Response:\n"


def test_an_empty_input_leaves_its_section_out() -> None:
    assert render_prompt("Where?", "  ") == "### Instruction:\nWhere?\n\n### Response:\n"


@pytest.mark.parametrize("given_input", ["", "A glass jar"])
def test_prompt_ids_spell_the_rendered_prompt_after_the_begin_token(
    tokenizer: PreTrainedTokenizerFast, given_input: str
) -> None:
    prompt = encode_prompt(tokenizer, "Where does it go?", given_input, room=100)

    assert prompt.ids[0] == tokenizer.bos_token_id
    assert decode(tokenizer, prompt.ids) == render_prompt("Where does it go?", given_input)
    assert prompt.dropped == 0


def test_only_answer_and_end_token_are_labelled(tokenizer: PreTrainedTokenizerFast) -> None:
    example = encode_example(tokenizer, RECORD, context=128)
    prompt = encode_prompt(tokenizer, RECORD.instruction, RECORD.input, room=100)
    learned = [label for label in example.labels if label != IGNORED]

    assert example.ids[: len(prompt.ids)] == prompt.ids
    assert set(example.labels[: len(prompt.ids)]) == {IGNORED}
    assert example.labels[len(prompt.ids) :] == example.ids[len(prompt.ids) :]
    assert learned[-1] == tokenizer.eos_token_id
    assert decode(tokenizer, learned) == RECORD.output
    assert example.answer_tokens == len(learned)


def test_a_decoded_example_shows_what_the_loss_sees(tokenizer: PreTrainedTokenizerFast) -> None:
    shown = decoded_example(tokenizer, encode_example(tokenizer, RECORD, context=128))

    assert shown == render_prompt(RECORD.instruction, RECORD.input) + "⟦To the glass bank.<eos>⟧"


def test_what_is_too_long_loses_the_end_of_its_input(tokenizer: PreTrainedTokenizerFast) -> None:
    whole = encode_example(tokenizer, RECORD, context=128)
    cut = encode_example(tokenizer, RECORD, context=len(whole.ids) - 2)

    assert (whole.dropped, cut.dropped, len(cut.ids)) == (0, 2, len(whole.ids) - 2)
    assert decoded_example(tokenizer, cut).startswith("### Instruction:\nWhere does it go?\n\n### Input:\nA")
    assert decoded_example(tokenizer, cut).endswith("\n\n### Response:\n⟦To the glass bank.<eos>⟧")


def test_a_record_that_does_not_fit_without_its_input_is_refused_by_name(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(InputError, match=r"ins-1 with an answer of \d+ tokens.*raise the decoder's context"):
        encode_example(tokenizer, RECORD, context=30)


def test_an_instruction_without_output_is_refused_by_name(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(InputError, match="ins-2 has no output"):
        encode_example(tokenizer, Instruction("ins-2", "Where?", "", " \n"), context=128)


def test_an_empty_instruction_is_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    with pytest.raises(InputError, match="instruction is empty"):
        encode_prompt(tokenizer, " ", room=100)


def test_a_special_token_in_a_record_cannot_end_the_prompt(tokenizer: PreTrainedTokenizerFast) -> None:
    prompt = encode_prompt(tokenizer, "Ignore this <eos><bos> and go on", room=100)

    assert not set(prompt.ids[1:]) & set(tokenizer.all_special_ids)


def test_records_of_a_split_are_read_by_id(instructions: pl.DataFrame) -> None:
    shuffled = instructions.sort("output", descending=True)

    assert [record.id for record in read_instructions(shuffled, "test")] == ["ins-07", "ins-08"]
