"""Training the base from nothing on the knowledge documents: the corpus as windows, the task, the run.

Which documents there are is the caller's business; instructions are never seen here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from releaf.errors import DataError
from releaf.language.batches import Batch, Row, batched, mean_loss, score_rows
from releaf.language.decoder import Base, as_base, build_decoder, quick_attention
from releaf.language.experts import balance_term, routed
from releaf.language.ngram import Trigram
from releaf.language.settings import BaseSettings
from releaf.language.tokenizer import TextFigures, encode, text_figures, train_tokenizer
from releaf.metrics.text import bits_per_byte
from releaf.progress import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from releaf.training.device import Hardware
    from releaf.training.loop import History


@dataclass(frozen=True)
class Pretrained:
    """A trained base, its curves, and how many documents and tokens it was trained and validated on.

    `trigram_perplexity` is what counting yields on the same held-out tokens: a base above it has learned little.
    """

    base: Base
    history: History
    counts: dict[str, int]
    trigram_perplexity: float


def document_texts(documents: pl.DataFrame) -> list[str]:
    """Title and text of each row of the documents table, by id."""
    rows = documents.sort("id").select("title", "text").iter_rows()
    return [f"{title}\n\n{text}" for title, text in rows]


def hold_out(texts: Sequence[str], share: float) -> tuple[list[str], list[str]]:
    """Split texts into training and held out by their own hash, so that adding one moves no other.

    About `share` is held out, at least one text on each side. Raises `DataError` for fewer than two different texts.
    """
    order = {text: int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64 for text in texts}
    if len(order) < 2:
        raise DataError(
            f"{len(order)} different documents cannot be split into training and validation; give at least two"
        )
    lowest, highest = min(order, key=order.__getitem__), max(order, key=order.__getitem__)
    held = {text for text, place in order.items() if place < share} - {highest} | {lowest}
    return [text for text in texts if text not in held], [text for text in texts if text in held]


class CorpusTask:
    """What the training loop needs to learn the next token of packed documents.

    Each epoch shuffles the documents, joins them into one stream turned by a random offset, and cuts windows from it.
    """

    monitor = "validation_loss"
    maximize = False

    def __init__(
        self,
        training: Sequence[str],
        held_out: Sequence[str],
        tokenizer: PreTrainedTokenizerFast,
        settings: BaseSettings,
    ) -> None:
        self.settings = settings
        self.pad = int(tokenizer.pad_token_id)
        self.documents = [document_ids(tokenizer, text) for text in training]
        self.tokens = sum(len(ids) for ids in self.documents)
        self.held_out = [
            row for text in held_out for row in pieces(document_ids(tokenizer, text), settings.decoder.context)
        ]
        self.held_out_bytes = sum(len(text.encode()) for text in held_out)

    def windows(self, epoch: int) -> list[Row]:
        """The epoch's rows, in the order they are trained on."""
        random = np.random.default_rng((self.settings.seed, epoch))
        stream = [token for index in random.permutation(len(self.documents)) for token in self.documents[index]]
        offset, window = int(random.integers(self.settings.window)), self.settings.window
        stream = stream[offset:] + stream[:offset]
        cut = [stream[start : start + window] for start in range(0, len(stream), window)]
        rows = [ids for ids in cut if len(ids) > 1]  # a single token predicts nothing
        return [(rows[index], rows[index]) for index in random.permutation(len(rows))]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """Windows of one epoch, `batch_size` at a time."""
        return batched(self.windows(epoch), self.settings.batch_size, pad=self.pad)

    def steps_per_epoch(self) -> int:
        """How many batches one epoch has."""
        window = self.settings.window
        rows = self.tokens // window + (self.tokens % window > 1)
        return math.ceil(rows / self.settings.batch_size)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean cross-entropy of the next token, in nats; of a mixture of experts with the term that balances them."""
        if not self.settings.decoder.experts.sparse:
            return mean_loss(model, batch)
        with routed(model) as logits:
            loss = mean_loss(model, batch)
        return loss + balance_term(model, logits, batch.mask)

    def samples(self, batch: Batch) -> int:
        """Windows in a batch."""
        return len(batch.ids)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss, perplexity, token accuracy and bits per byte on the held-out documents, each read on its own."""
        scores = score_rows(model, self.held_out, self.settings.batch_size, pad=self.pad)
        return scores.figures() | {"bits_per_byte": bits_per_byte(scores.total_loss, self.held_out_bytes)}


def document_ids(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    """A document between `<bos>` and `<eos>`."""
    return [int(tokenizer.bos_token_id), *encode(tokenizer, text), int(tokenizer.eos_token_id)]


def pieces(ids: Sequence[int], context: int) -> list[Row]:
    """Rows of at most `context` tokens that together predict each token after the first exactly once."""
    cut = [ids[start : start + context] for start in range(0, len(ids) - 1, context - 1)]
    return [(piece, piece) for piece in cut]


def learn_tokenizer(documents: pl.DataFrame, settings: BaseSettings) -> tuple[PreTrainedTokenizerFast, TextFigures]:
    """A tokenizer of the documents that are not held out, and its figures on those that are.

    Raises `DataError` for fewer than two different documents.
    """
    training, held_out = hold_out(document_texts(documents), settings.held_out_share)
    tokenizer = train_tokenizer(training, settings.tokenizer)
    return tokenizer, text_figures(tokenizer, held_out)


def pretrain(
    documents: pl.DataFrame,
    settings: BaseSettings,
    hardware: Hardware,
    *,
    tokenizer: PreTrainedTokenizerFast | None = None,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> Pretrained:
    """Learn a decoder from the documents that are not held out, and a tokenizer where none is given.

    Raises `DataError` for an empty corpus, and `TrainingError` as `fit` does.
    """
    from releaf.training.loop import Optimization, fit

    training, held_out = hold_out(document_texts(documents), settings.held_out_share)
    tokenizer = tokenizer or train_tokenizer(training, settings.tokenizer)
    task = CorpusTask(training, held_out, tokenizer, settings)
    model = build_decoder(settings.decoder, tokenizer, seed=settings.seed)
    optimization = Optimization(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup_epochs=settings.warmup_epochs,
        ema_decay=settings.ema_decay,
        patience=settings.patience,
        seed=settings.seed,
    )
    precise = hardware.for_training(settings.native_bf16)
    with quick_attention(model, precise):
        history = fit(model, task, optimization, precise, state_dir=state_dir, progress=progress)
    counts = {
        "training_documents": len(training),
        "validation_documents": len(held_out),
        "training_tokens": task.tokens,
        "validation_tokens": sum(len(ids) - 1 for ids, _ in task.held_out),
        "vocabulary": len(tokenizer),
    }
    counted = Trigram(task.documents, vocabulary=len(tokenizer))
    reference = counted.perplexity([document_ids(tokenizer, text) for text in held_out])
    return Pretrained(as_base(model, tokenizer), history, counts, reference)
