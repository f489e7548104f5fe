"""Rows of token ids as padded tensors, and a model's loss and scores on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from releaf.metrics.text import IGNORED, perplexity

if TYPE_CHECKING:
    from torch import Tensor, nn

T = TypeVar("T")
Row = tuple[Sequence[int], Sequence[int]]
"""Token ids and their labels, equally long; a label of `IGNORED` is not learned."""

POOL = 16
"""Batches that are sorted by length together: enough for little padding, few enough to stay random."""


PLAIN_HEADS = frozenset({"llama", "mistral", "mixtral", "qwen2", "qwen3", "olmo2", "smollm3"})
"""Model types whose logits are the output matrix times the last hidden state and nothing more (no cap, no scale)."""


@dataclass(frozen=True)
class Batch:
    """`ids`, `mask` (1 on real tokens) and `labels` (`IGNORED` where nothing is learned), each (B, T) int64.

    `positions`, of the same shape, is given where a row holds several examples: it restarts with each. `examples` is
    how many the rows hold together; by default one each.
    """

    ids: Tensor
    mask: Tensor
    labels: Tensor
    positions: Tensor | None = None
    examples: int | None = None

    @property
    def count(self) -> int:
        """Examples in the batch."""
        return len(self.ids) if self.examples is None else self.examples


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
    for part in cut(rows, size):
        yield collate(part, pad=pad)


def cut(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Items in the given order, `size` at a time; the last may be fewer."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


def bucketed(lengths: Sequence[int], order: Sequence[int], size: int) -> list[list[int]]:
    """Indices in batches of `size`, alike in length; only the last of them is shorter.

    `order` is a permutation: pools of `POOL` batches are taken from it one after another and sorted by length, so that
    a batch is drawn at random from examples of its own length. Batches stand in the pool from short to long.
    """
    pools = (sorted(pool, key=lambda index: lengths[index]) for pool in cut(order, POOL * size))
    return [list(group) for pool in pools for group in cut(pool, size)]


def mean_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Causal cross-entropy in nats, the mean over the batch's n labelled tokens: −(1/n) Σ ln P(token | before)."""
    from torch.nn.functional import cross_entropy

    logits, labels, _ = labelled(model, batch)
    return cross_entropy(logits.float(), labels)


def score_rows(model: nn.Module, rows: Sequence[Row], size: int, *, pad: int) -> Scores:
    """Score each row, `size` at a time, alike in length; the model must be in evaluation mode."""
    order = sorted(range(len(rows)), key=lambda index: len(rows[index][0]))
    scored = [
        score for batch in batched([rows[index] for index in order], size, pad=pad) for score in _score(model, batch)
    ]
    by_row = dict(zip(order, scored, strict=True))
    return Scores(tuple(by_row[index] for index in range(len(rows))))


def _score(model: nn.Module, batch: Batch) -> list[RowScore]:
    import torch
    from torch.nn.functional import cross_entropy

    with torch.no_grad():
        logits, labels, rows = labelled(model, batch)
        losses = cross_entropy(logits.float(), labels, reduction="none").double()
    count = len(batch.ids)
    tokens = torch.bincount(rows, minlength=count)
    total = torch.zeros(count, dtype=torch.float64, device=losses.device).index_add_(0, rows, losses)
    hits = torch.bincount(rows[logits.argmax(-1) == labels], minlength=count)
    return [RowScore(*row) for row in zip(tokens.tolist(), total.tolist(), hits.tolist(), strict=True)]


def labelled(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (N, V) that predict the batch's N labelled tokens, these labels (N,) and the row (N,) each stands in.

    Only hidden states before a labelled token are projected onto the vocabulary: most of a prompt's tokens predict
    nothing that counts, and the vocabulary is the widest matrix there is. No padding mask is needed: rows are padded
    on the right, where no causal model looks.
    """
    device = next(model.parameters()).device
    labels = batch.labels[:, 1:].to(device)
    wanted = labels != IGNORED
    positions = None if batch.positions is None else batch.positions.to(device)
    given: dict[str, Any] = {"input_ids": batch.ids.to(device), "position_ids": positions, "use_cache": False}
    reader: Any = model
    if reader.config.model_type in PLAIN_HEADS:
        hidden = reader.get_decoder()(**given).last_hidden_state[:, :-1]
        logits = reader.get_output_embeddings()(hidden[wanted])
    else:
        logits = reader(**given).logits[:, :-1][wanted]
    return logits, labels[wanted], wanted.nonzero()[:, 0]
