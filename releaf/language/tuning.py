"""Fine-tuning an adapter on instructions: the loss is on answer tokens, the best validation epoch is kept.

The base underneath never changes. What an example looks like is `template`'s business, the adapter's shape `adapters`'.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from releaf.errors import DataError
from releaf.language.adapters import attach
from releaf.language.batches import Batch, Row, bucketed, collate, cut, mean_loss, score_rows
from releaf.language.decoder import Base, parameter_count, quick_attention
from releaf.language.packing import pack_rows
from releaf.language.settings import TuningSettings
from releaf.language.template import Encoded, Example, decoded_example, encode_records, read_instructions
from releaf.progress import Progress, silent

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor, nn

    from releaf.training.device import Hardware
    from releaf.training.loop import History, Optimization


@dataclass(frozen=True)
class Tuned:
    """A base with its trained adapter, the curves, counts, and one masked training example as a person reads it."""

    model: PeftModel
    history: History
    counts: dict[str, int]
    example: str


class InstructionTask:
    """What the training loop needs to learn answers: shuffled examples, loss on answer tokens only."""

    monitor = "validation_loss"
    maximize = False

    def __init__(
        self,
        training: Sequence[Example],
        validation: Sequence[Example],
        *,
        batch_size: int,
        pad: int,
        seed: int,
        capacity: int | None = None,
    ) -> None:
        """`capacity`: tokens of a packed row; None gives each example a row of its own."""
        self.training = rows(training)
        self.validation = rows(validation)
        self.batch_size = batch_size
        self.pad = pad
        self.seed = seed
        self.capacity = capacity

    def batches(self, epoch: int) -> Iterator[Batch]:
        """All training examples in the epoch's own order, packed into rows or in batches of alike lengths."""
        random = np.random.default_rng((self.seed, epoch))
        order = random.permutation(len(self.training)).tolist()
        if self.capacity is not None:
            for group in cut(order, self.batch_size):
                chosen = [self.training[index] for index in group]
                yield pack_rows(chosen, capacity=self.capacity, pad=self.pad)
            return
        groups = bucketed([len(ids) for ids, _ in self.training], order, self.batch_size)
        for place in random.permutation(len(groups)):
            yield collate([self.training[index] for index in groups[place]], pad=self.pad)

    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""
        return math.ceil(len(self.training) / self.batch_size)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean cross-entropy over the answer tokens, in nats."""
        return mean_loss(model, batch)

    def samples(self, batch: Batch) -> int:
        """Examples in a batch."""
        return batch.count

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, perplexity and token accuracy on the validation answers."""
        return score_rows(model, self.validation, self.batch_size, pad=self.pad).figures()


def rows(examples: Sequence[Example]) -> list[Row]:
    """Ids and labels of examples."""
    return [(example.ids, example.labels) for example in examples]


def pad_id(base: Base) -> int:
    """The padding token, or the end token of a tokenizer that has none (Llama 3's); it is masked either way."""
    tokenizer = base.tokenizer
    return int(tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id)


def encode_split(base: Base, instructions: pl.DataFrame, split: str) -> Encoded:
    """Examples of one split, and which of its records do not fit the base's context.

    Raises `DataError` when nothing of the split can be used, and `InputError` for a record without an answer.
    """
    records = read_instructions(instructions, split)
    if not records:
        raise DataError(f"the instructions have no {split} split; add records or change the shares of the split")
    encoded = encode_records(base.tokenizer, records, context=base.context)
    if not encoded.examples:
        raise DataError(
            f"none of the {len(records)} {split} instructions fits the context of {base.context} tokens; "
            "shorten them or raise the decoder's context"
        )
    return encoded


def tune(
    base: Base,
    instructions: pl.DataFrame,
    settings: TuningSettings,
    hardware: Hardware,
    *,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> Tuned:
    """Attach a fresh adapter to the base and train it on the training split, judged on the validation split.

    Raises `DataError` for an empty split, `InputError` for an unusable record, and `TrainingError` as `fit` does.
    """
    from releaf.training.loop import fit

    training, validation = (encode_split(base, instructions, split) for split in ("train", "validation"))
    task = InstructionTask(
        training.examples,
        validation.examples,
        batch_size=settings.batch_size,
        pad=pad_id(base),
        seed=settings.seed,
        capacity=base.context if settings.packing else None,
    )
    model = attach(base, settings.adapter, seed=settings.seed)
    precise = hardware.for_training(settings.native_bf16)
    with (
        _checkpointing(base.model) if settings.gradient_checkpointing else nullcontext(),
        quick_attention(base.model, precise),
    ):
        history = fit(model, task, optimization(settings), precise, state_dir=state_dir, progress=progress)
    used = (*training.examples, *validation.examples)
    counts = {
        "training_examples": len(training.examples),
        "validation_examples": len(validation.examples),
        "training_answer_tokens": sum(example.answer_tokens for example in training.examples),
        "shortened_prompts": sum(example.dropped > 0 for example in used),
        "left_out_too_long": len(training.too_long) + len(validation.too_long),
        "parameters": parameter_count(model),
        "trainable_parameters": parameter_count(model, trainable=True),
    }
    return Tuned(model, history, counts, decoded_example(base.tokenizer, training.examples[0]))


def optimization(settings: TuningSettings) -> Optimization:
    """What the training loop is told."""
    from releaf.training.loop import Optimization

    return Optimization(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_epochs=settings.warmup_epochs,
        patience=settings.patience,
        accumulate=settings.accumulate,
        seed=settings.seed,
    )


@contextmanager
def _checkpointing(model: Any) -> Iterator[None]:
    """Compute the model's activations twice inside the block, also when training is interrupted."""
    model.activation_checkpointing_enable()
    try:
        yield
    finally:
        model.activation_checkpointing_disable()
