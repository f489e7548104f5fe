"""What the adapter is worth: base and adapter on the same held-out instructions, and some of its answers.

The figures come from `releaf.metrics.text`; pictures and thresholds are made elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from releaf.language.adapters import without_adapter
from releaf.language.batches import Scores, score_rows
from releaf.language.decoder import Base
from releaf.language.generation import generate
from releaf.language.settings import GenerationSettings
from releaf.language.template import Instruction, encode_prompt, read_instructions
from releaf.language.tuning import encode_split, pad_id, rows
from releaf.metrics.text import rouge_l
from releaf.progress import Progress, silent

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
class Sample:
    """An answer the adapter wrote, beside the reference, and their ROUGE-L F1."""

    id: str
    instruction: str
    input: str
    reference: str
    answer: str
    reason: str
    rouge_l: float


@dataclass(frozen=True)
class LanguageEvaluation:
    """Base and adapter on the `n` instructions of one split.

    `perplexity_ratio` is adapter / base: below 1 the adapter helps. `rouge_l` is the mean over `samples` (None without
    any), which are the first records by id, not chosen. `too_long` records did not fit and are in no figure.
    """

    split: str
    n: int
    too_long: int
    answer_tokens: int
    base: AnswerScore
    adapter: AnswerScore
    perplexity_ratio: float
    rouge_l: float | None
    records: tuple[RecordScore, ...]
    samples: tuple[Sample, ...]

    def as_json(self) -> dict[str, Any]:
        """The evaluation as plain JSON values."""
        return asdict(self)


def evaluate(
    model: PeftModel,
    base: Base,
    instructions: pl.DataFrame,
    *,
    split: str = "test",
    samples: int = 8,
    batch_size: int = 8,
    generation: GenerationSettings | None = None,
    progress: Progress = silent,
) -> LanguageEvaluation:
    """Score base and adapter on one split and let the adapter answer its first `samples` records (greedily by default).

    Raises `DataError` when nothing of the split can be used.
    """
    encoded = encode_split(base, instructions, split)
    model.train(False)
    adapted = score_rows(model, rows(encoded.examples), batch_size, pad=pad_id(base))
    with without_adapter(model):
        plain = score_rows(model, rows(encoded.examples), batch_size, pad=pad_id(base))
    fitting = [record for record in read_instructions(instructions, split) if record.id not in encoded.too_long]
    written = write_samples(model, base, fitting[:samples], generation or GenerationSettings(temperature=0), progress)
    before, after = _summary(plain), _summary(adapted)
    return LanguageEvaluation(
        split=split,
        n=len(encoded.examples),
        too_long=len(encoded.too_long),
        answer_tokens=adapted.tokens,
        base=before,
        adapter=after,
        perplexity_ratio=after.perplexity / before.perplexity,
        rouge_l=sum(sample.rouge_l for sample in written) / len(written) if written else None,
        records=tuple(
            RecordScore(example.id, new.tokens, old.loss / old.tokens, new.loss / new.tokens)
            for example, old, new in zip(encoded.examples, plain.rows, adapted.rows, strict=True)
        ),
        samples=tuple(written),
    )


def write_samples(
    model: PeftModel,
    base: Base,
    records: Sequence[Instruction],
    settings: GenerationSettings,
    progress: Progress = silent,
) -> list[Sample]:
    """Let the model answer each record's prompt, and compare with the reference."""
    written = []
    for record in records:
        prompt = encode_prompt(
            base.tokenizer, record.instruction, record.input, room=base.context - settings.max_new_tokens
        )
        answer = generate(model, base.tokenizer, prompt.ids, settings)
        score = rouge_l(answer.text, record.output).f1
        written.append(
            Sample(record.id, record.instruction, record.input, record.output, answer.text, answer.reason, score)
        )
        progress(len(written), len(records), record.id)
    return written


def _summary(scores: Scores) -> AnswerScore:
    figures = scores.figures()
    return AnswerScore(figures["validation_loss"], figures["perplexity"], figures["token_accuracy"])
