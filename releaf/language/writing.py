"""Answers that a model writes to many instructions at once. What becomes of them is the caller's business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from releaf.language.decoder import Base
from releaf.language.generation_batch import generate_batch
from releaf.language.settings import GenerationSettings
from releaf.language.template import Instruction, encode_prompt

if TYPE_CHECKING:
    from torch import nn

GREEDY = GenerationSettings(temperature=0, max_new_tokens=96)


def write_answers(
    model: nn.Module, base: Base, records: Sequence[Instruction], settings: GenerationSettings = GREEDY
) -> list[str]:
    """The model's answer to each record's prompt, in order; greedy unless settings say otherwise.

    Raises `InputError` for an instruction that does not fit the context.
    """
    room = base.context - settings.max_new_tokens
    prompts = [encode_prompt(base.tokenizer, one.instruction, one.input, room=room).ids for one in records]
    return [answer.text for answer in generate_batch(model, base.tokenizer, prompts, settings)]
