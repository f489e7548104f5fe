"""Base and adapter on records that somebody else holds: what they are worth there, and how much of it was trained on.

Which file the records come from, and how it is read, is the caller's business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from releaf.errors import TooLongError
from releaf.language.evaluation import evaluate
from releaf.language.template import Instruction, encode_prompt, read_instructions
from releaf.language.writing import GREEDY, write_answers
from releaf.metrics.text import rouge_l
from releaf.progress import Progress, silent

if TYPE_CHECKING:
    from peft import PeftModel

    from releaf.language.decoder import Base

HELD_OUT = "held_out"
_TEXTS = ("instruction", "input", "output")


@dataclass(frozen=True)
class HeldOut:
    """Figures on `records` records; `too_long` more did not fit the context and are in none.

    `seen` of them stand word for word in what the adapter was trained or validated on. `rouge_l` is the mean F1 of the
    adapter's answers to the first `answered` records, None without any.
    """

    records: int
    too_long: int
    seen: int
    answer_tokens: int
    perplexity: dict[str, float]
    token_accuracy: float
    base_token_accuracy: float
    rouge_l: float | None
    answered: int

    def as_json(self) -> dict[str, Any]:
        """The figures as plain JSON values."""
        return dict(vars(self))


def evaluate_held_out(
    model: PeftModel,
    base: Base,
    records: pl.DataFrame,
    instructions: pl.DataFrame,
    *,
    answers: int = 32,
    progress: Progress = silent,
) -> HeldOut:
    """Score base and adapter on all of `records`, and let the adapter answer the first `answers` of them, greedily.

    Both frames have the columns id, instruction, input, output and split; those of `instructions` were trained on.
    Raises `DataError` when not one record fits the context.
    """
    renamed = records.with_columns(split=pl.lit(HELD_OUT))
    progress(0, 2, "perplexity")
    found = evaluate(model, base, renamed, split=HELD_OUT)
    progress(1, 2, "answers")
    drawn = replace(GREEDY, max_new_tokens=min(GREEDY.max_new_tokens, base.context // 2))
    room = base.context - drawn.max_new_tokens
    asked = _answerable(base, read_instructions(renamed, HELD_OUT), answers, room=room)
    written = write_answers(model, base, asked, drawn) if asked else []
    scores = [rouge_l(answer, one.output).f1 for answer, one in zip(written, asked, strict=True)]
    progress(2, 2, "")
    known = set(instructions.filter(pl.col("split") != "test").select(_TEXTS).iter_rows())
    return HeldOut(
        records=found.n,
        too_long=found.too_long,
        seen=sum(row in known for row in records.select(_TEXTS).iter_rows()),
        answer_tokens=found.answer_tokens,
        perplexity={
            "base": found.base.perplexity,
            "adapter": found.adapter.perplexity,
            "ratio": found.perplexity_ratio,
        },
        token_accuracy=found.adapter.token_accuracy,
        base_token_accuracy=found.base.token_accuracy,
        rouge_l=sum(scores) / len(scores) if scores else None,
        answered=len(scores),
    )


def _answerable(base: Base, records: Sequence[Instruction], most: int, *, room: int) -> list[Instruction]:
    """The first records whose prompt takes at most `room` tokens, so that an answer fits behind it."""
    kept: list[Instruction] = []
    for record in records:
        if len(kept) == most:
            break
        try:
            encode_prompt(base.tokenizer, record.instruction, record.input, room=room)
        except TooLongError:
            continue
        kept.append(record)
    return kept
