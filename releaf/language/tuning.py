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
from releaf.language.batches import Batch, Row, batched, mean_loss, score_rows
from releaf.language.decoder import Base, parameter_count
from releaf.language.settings import TuningSettings
from releaf.language.template import Example, decoded_example, encode_example, read_instructions
from releaf.progress import Progress, silent

if TYPE_CHECKING:
    from peft import PeftModel
    from torch import Tensor, nn

    from releaf.training.device import Hardware
    from releaf.training.loop import History


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
        self, training: Sequence[Example], validation: Sequence[Example], *, batch_size: int, pad: int, seed: int
    ) -> None:
        self.training = rows(training)
        self.validation = rows(validation)
        self.batch_size = batch_size
        self.pad = pad
        self.seed = seed

    def batches(self, epoch: int) -> Iterator[Batch]:
        """All training examples in the epoch's own order."""
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.training))
        return batched([self.training[index] for index in order], self.batch_size, pad=self.pad)

    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""
        return math.ceil(len(self.training) / self.batch_size)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean cross-entropy over the answer tokens, in nats."""
        return mean_loss(model, batch)

    def samples(self, batch: Batch) -> int:
        """Examples in a batch."""
        return len(batch.ids)

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


def encode_split(base: Base, instructions: pl.DataFrame, split: str) -> list[Example]:
    """Examples of one split. Raises `DataError` when it is empty and `InputError` for a record that cannot be used."""
    records = read_instructions(instructions, split)
    if not records:
        raise DataError(f"the instructions have no {split} split; add records or change the shares of the split")
    return [encode_example(base.tokenizer, record, context=base.context) for record in records]


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
    from releaf.training.loop import Optimization, fit

    training, validation = (encode_split(base, instructions, split) for split in ("train", "validation"))
    task = InstructionTask(training, validation, batch_size=settings.batch_size, pad=pad_id(base), seed=settings.seed)
    model = attach(base, settings.adapter, seed=settings.seed)
    optimization = Optimization(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_epochs=settings.warmup_epochs,
        patience=settings.patience,
        accumulate=settings.accumulate,
        seed=settings.seed,
    )
    with _checkpointing(base.model) if settings.gradient_checkpointing else nullcontext():
        history = fit(model, task, optimization, hardware, state_dir=state_dir, progress=progress)
    counts = {
        "training_examples": len(training),
        "validation_examples": len(validation),
        "training_answer_tokens": sum(example.answer_tokens for example in training),
        "shortened_prompts": sum(example.dropped > 0 for example in [*training, *validation]),
        "parameters": parameter_count(model),
        "trainable_parameters": parameter_count(model, trainable=True),
    }
    return Tuned(model, history, counts, decoded_example(base.tokenizer, training[0]))


@contextmanager
def _checkpointing(model: Any) -> Iterator[None]:
    """Compute the model's activations twice inside the block, also when training is interrupted."""
    model.activation_checkpointing_enable()
    try:
        yield
    finally:
        model.activation_checkpointing_disable()
