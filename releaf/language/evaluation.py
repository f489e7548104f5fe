"""What the adapter is worth: base and adapter on the same held-out instructions.

The figures come from `releaf.metrics.text`; pictures and thresholds are made elsewhere.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from releaf.language.adapters import without_adapter
from releaf.language.batches import Scores, score_rows
from releaf.language.decoder import Base
from releaf.language.tuning import encode_split, pad_id, rows

if TYPE_CHECKING:
    from peft import PeftModel


@dataclass(frozen=True)
class AnswerScore:
    """Mean cross-entropy of the answer tokens in nats, perplexity = exp of it, and token accuracy in 0–1."""

    loss: float
    perplexity: float
    token_accuracy: float


@dataclass(frozen=True)
class RecordScore:
    """One record's answer tokens and mean loss in nats with and without the adapter, for paired tests."""

    id: str
    tokens: int
    base_loss: float
    adapter_loss: float


@dataclass(frozen=True)
class LanguageEvaluation:
    """Base and adapter on the `n` instructions of one split.

    `perplexity_ratio` is adapter / base: below 1 the adapter helps. `too_long` records did not fit and are in no
    figure.
    """

    split: str
    n: int
    too_long: int
    answer_tokens: int
    base: AnswerScore
    adapter: AnswerScore
    perplexity_ratio: float
    records: tuple[RecordScore, ...]

    def as_json(self) -> dict[str, Any]:
        """The evaluation as plain JSON values."""
        return asdict(self)


def evaluate(
    model: PeftModel,
    base: Base,
    instructions: pl.DataFrame,
    *,
    split: str = "test",
    batch_size: int = 8,
) -> LanguageEvaluation:
    """Score base and adapter on one split. What they write is judged in `answer_study`.

    Raises `DataError` when nothing of the split can be used.
    """
    encoded = encode_split(base, instructions, split)
    model.train(False)
    adapted = score_rows(model, rows(encoded.examples), batch_size, pad=pad_id(base))
    with without_adapter(model):
        plain = score_rows(model, rows(encoded.examples), batch_size, pad=pad_id(base))
    before, after = _summary(plain), _summary(adapted)
    return LanguageEvaluation(
        split=split,
        n=len(encoded.examples),
        too_long=len(encoded.too_long),
        answer_tokens=adapted.tokens,
        base=before,
        adapter=after,
        perplexity_ratio=after.perplexity / before.perplexity,
        records=tuple(
            RecordScore(example.id, new.tokens, old.loss / old.tokens, new.loss / new.tokens)
            for example, old, new in zip(encoded.examples, plain.rows, adapted.rows, strict=True)
        ),
    )


def _summary(scores: Scores) -> AnswerScore:
    figures = scores.figures()
    return AnswerScore(figures["validation_loss"], figures["perplexity"], figures["token_accuracy"])
