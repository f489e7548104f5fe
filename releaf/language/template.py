"""The one prompt template: training, evaluation and generation all build their ids here.

Alpaca form (instruction, optional input, response) as token ids and labels. Batching and models live elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from releaf.errors import InputError, TooLongError
from releaf.language.settings import SECTION
from releaf.language.tokenizer import decode, encode
from releaf.metrics.text import IGNORED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

INSTRUCTION_HEADER = "### Instruction:\n"
INPUT_HEADER = SECTION + "Input:\n"
RESPONSE_HEADER = SECTION + "Response:\n"


@dataclass(frozen=True)
class Instruction:
    """One Alpaca record. `input` may be empty; `output` is the wanted answer."""

    id: str
    instruction: str
    input: str
    output: str


@dataclass(frozen=True)
class Prompt:
    """Ids up to where the answer begins, and how many tokens of the input did not fit."""

    ids: tuple[int, ...]
    dropped: int


@dataclass(frozen=True)
class Example:
    """A prompt with its answer. `labels` equals `ids` on answer tokens and `IGNORED` on the prompt."""

    id: str
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    dropped: int

    @property
    def answer_tokens(self) -> int:
        """How many positions the loss sees, the end token included."""
        return sum(label != IGNORED for label in self.labels)


def read_instructions(table: pl.DataFrame, split: str) -> list[Instruction]:
    """Rows of one split of the instructions table, by id, so that the order on disk does not matter."""
    rows = table.filter(pl.col("split") == split).sort("id").select("id", "instruction", "input", "output")
    return [Instruction(**row) for row in rows.iter_rows(named=True)]


def render_prompt(instruction: str, input: str = "") -> str:
    """The template as text, up to where the answer begins."""
    middle = INPUT_HEADER + input if input.strip() else ""
    return INSTRUCTION_HEADER + instruction + middle + RESPONSE_HEADER


def encode_prompt(tokenizer: PreTrainedTokenizerFast, instruction: str, input: str = "", *, room: int) -> Prompt:
    """Ids of `<bos>` and the template in at most `room` tokens.

    What is too long loses the end of `input`, where the least relevant of the retrieved passages stand; headers and
    instruction stay whole. Raises `InputError` for an empty instruction, `TooLongError` where that alone does not fit.
    """
    if not instruction.strip():
        raise InputError("the instruction is empty; write what is asked")
    start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    head = start + encode(tokenizer, INSTRUCTION_HEADER) + encode(tokenizer, instruction)
    tail = encode(tokenizer, RESPONSE_HEADER)
    if input.strip():
        head += encode(tokenizer, INPUT_HEADER)
    body = encode(tokenizer, input) if input.strip() else []
    left = room - len(head) - len(tail)
    if left < 0:
        raise TooLongError(
            f"instruction {instruction[:40]!r} needs {len(head) + len(tail)} tokens and {room} are free; "
            "shorten it, its answer, or raise the decoder's context"
        )
    return Prompt(tuple(head + body[:left] + tail), max(0, len(body) - left))


def encode_example(tokenizer: PreTrainedTokenizerFast, record: Instruction, *, context: int) -> Example:
    """Ids and labels of a record in at most `context` tokens: the loss is on the answer and its end token only.

    The answer is never cut; the prompt is, as in `encode_prompt`. Naming the record, raises `InputError` when it has no
    instruction or output, `TooLongError` when it does not fit even so.
    """
    if not record.output.strip():
        raise InputError(f"instruction {record.id} has no output; there is nothing to learn from it")
    answer = [*encode(tokenizer, record.output), int(tokenizer.eos_token_id)]
    try:
        prompt = encode_prompt(tokenizer, record.instruction, record.input, room=context - len(answer))
    except InputError as error:
        raise type(error)(f"instruction {record.id} with an answer of {len(answer)} tokens: {error}") from error
    labels = [IGNORED] * len(prompt.ids) + answer
    return Example(record.id, (*prompt.ids, *answer), tuple(labels), prompt.dropped)


@dataclass(frozen=True)
class Encoded:
    """Records as examples, in order, and the ids of those that do not fit the context."""

    examples: tuple[Example, ...]
    too_long: tuple[str, ...]


def encode_records(tokenizer: PreTrainedTokenizerFast, records: Iterable[Instruction], *, context: int) -> Encoded:
    """Encode records; one that does not fit even with its input cut away is left out and named.

    Raises `InputError` for a record without an instruction or an output.
    """
    examples, too_long = [], []
    for record in records:
        try:
            examples.append(encode_example(tokenizer, record, context=context))
        except TooLongError:
            too_long.append(record.id)
    return Encoded(tuple(examples), tuple(too_long))


def decoded_example(tokenizer: PreTrainedTokenizerFast, example: Example) -> str:
    """An example as a person reads it: what the loss sees stands between ⟦ and ⟧."""
    answer = [label for label in example.labels if label != IGNORED]
    prompt = example.ids[: len(example.ids) - len(answer)]
    return f"{decode(tokenizer, prompt)}⟦{decode(tokenizer, answer)}{tokenizer.eos_token}⟧"
