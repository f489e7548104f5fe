"""Rows of token ids as padded tensors, and a model's loss and scores on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from releaf.metrics.text import IGNORED, perplexity

if TYPE_CHECKING:
    from torch import Tensor, nn

Row = tuple[Sequence[int], Sequence[int]]
"""Token ids and their labels, equally long; a label of `IGNORED` is not learned."""


@dataclass(frozen=True)
class Batch:
    """`ids`, `mask` (1 on real tokens) and `labels` (`IGNORED` where nothing is learned), each (B, T) int64."""

    ids: Tensor
    mask: Tensor
    labels: Tensor


@dataclass(frozen=True)
class RowScore:
    """A row's labelled tokens, their summed loss in nats, and how many the model's first guess got right."""

    tokens: int
    loss: float
    correct: int


@dataclass(frozen=True)
class Scores:
    """A model's scores on some rows."""

    rows: tuple[RowScore, ...]

    @property
    def tokens(self) -> int:
        """Labelled tokens of all rows."""
        return sum(row.tokens for row in self.rows)

    @property
    def total_loss(self) -> float:
        """Summed loss in nats."""
        return sum(row.loss for row in self.rows)

    def figures(self) -> dict[str, float]:
        """Mean loss over tokens, its perplexity, and token accuracy, named as validation figures."""
        mean = self.total_loss / self.tokens
        return {
            "validation_loss": mean,
            "perplexity": perplexity(mean),
            "token_accuracy": sum(row.correct for row in self.rows) / self.tokens,
        }


def collate(rows: Sequence[Row], *, pad: int) -> Batch:
    """Pad rows on the right to the longest of them."""
    import torch

    longest = max(len(ids) for ids, _ in rows)
    ids = [[*ids, *[pad] * (longest - len(ids))] for ids, _ in rows]
    mask = [[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows]
    labels = [[*labels, *[IGNORED] * (longest - len(labels))] for _, labels in rows]
    return Batch(torch.tensor(ids), torch.tensor(mask), torch.tensor(labels))


def batched(rows: Sequence[Row], size: int, *, pad: int) -> Iterator[Batch]:
    """Rows in the given order, `size` at a time."""
    for start in range(0, len(rows), size):
        yield collate(rows[start : start + size], pad=pad)


def mean_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Causal cross-entropy in nats, the mean over the batch's n labelled tokens: −(1/n) Σ ln P(token | before)."""
    from torch.nn.functional import cross_entropy

    logits, labels = _forward(model, batch)
    return cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED)


def score_rows(model: nn.Module, rows: Sequence[Row], size: int, *, pad: int) -> Scores:
    """Score each row, `size` at a time; the model must be in evaluation mode."""
    scored: list[RowScore] = []
    for batch in batched(rows, size, pad=pad):
        scored += _score(model, batch)
    return Scores(tuple(scored))


def _score(model: nn.Module, batch: Batch) -> list[RowScore]:
    import torch
    from torch.nn.functional import cross_entropy

    with torch.no_grad():
        logits, labels = _forward(model, batch)
        losses = cross_entropy(logits.transpose(1, 2).float(), labels, ignore_index=IGNORED, reduction="none")
    counted = labels != IGNORED
    hits = (logits.argmax(-1) == labels) & counted
    columns = (counted.sum(1).tolist(), losses.double().sum(1).tolist(), hits.sum(1).tolist())
    return [RowScore(*row) for row in zip(*columns, strict=True)]


def _forward(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Logits (B, T−1, V) for each next token and the labels (B, T−1) they are to predict, on the model's device."""
    device = next(model.parameters()).device
    logits = model(input_ids=batch.ids.to(device), attention_mask=batch.mask.to(device), use_cache=False).logits
    return logits[:, :-1], batch.labels[:, 1:].to(device)
