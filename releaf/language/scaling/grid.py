"""Training the grid of small models that laws are fitted to, one cell after another, and one larger run held out.

Every cell reads its tokens once: the first D of one shuffled stream of the training documents, so that smaller budgets
are the beginning of larger ones. Repeated tokens would count for less than the law says (Muennighoff et al. 2023).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from releaf.artifacts import content_hash, read_json, write_json
from releaf.errors import DataError, InputError
from releaf.language.batches import Batch, Row, batched, mean_loss, score_rows
from releaf.language.decoder import build_decoder
from releaf.language.pretraining import document_ids, document_texts, hold_out, pieces
from releaf.language.scaling.runs import Run
from releaf.language.settings import DecoderSettings, TokenizerSettings
from releaf.language.tokenizer import train_tokenizer
from releaf.progress import Progress, silent

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerFast

    from releaf.training.device import Hardware


@dataclass(frozen=True)
class Size:
    """Shape of a model in the grid: SwiGLU is three times as wide, heads are 16 wide and pairs of them share keys."""

    width: int
    layers: int

    def decoder(self, context: int) -> DecoderSettings:
        """The settings that build it; embeddings are tied, so that little lies outside of N."""
        heads = self.width // 16
        return DecoderSettings(
            self.width, self.layers, heads, heads // 2, 3 * self.width, context=context, tie_embeddings=True
        )

    @property
    def parameters(self) -> int:
        """Weights of the blocks and norms, without the embedding: 12·w²·layers and 2·layers + 1 norms."""
        return 12 * self.width**2 * self.layers + (2 * self.layers + 1) * self.width


@dataclass(frozen=True)
class Grid:
    """Which models are trained, and how.

    sizes, tokens: every size on every number of tokens. held_out: the larger run that the law has to predict.
    vocabulary: small, so that the same text is more tokens and little of a model is embedding. window: tokens of a row.
    batch_size: rows of a step; few, since a model that takes few steps has learned little of what it read.
    learning_rate: peak rate at width 64; it falls with the root of the width.
    warmup_share: of a run's steps. judged_tokens: of the held-out documents that every run is judged on.
    """

    sizes: tuple[Size, ...] = (Size(32, 1), Size(48, 2), Size(64, 3), Size(96, 4))
    tokens: tuple[int, ...] = (32_000, 56_000, 96_000, 168_000)
    held_out: tuple[Size, int] = (Size(128, 4), 240_000)
    vocabulary: int = 384
    window: int = 64
    batch_size: int = 2
    learning_rate: float = 2e-3
    warmup_share: float = 0.1
    judged_tokens: int = 24_000
    seed: int = 0

    def __post_init__(self) -> None:
        size, tokens = self.held_out
        if size.parameters <= max(s.parameters for s in self.sizes) or tokens <= max(self.tokens):
            raise InputError(
                f"the held-out run of {size.parameters:,} parameters and {tokens:,} tokens must be larger than every "
                "run of the grid in both; a law is for what lies ahead"
            )

    @property
    def cells(self) -> list[tuple[Size, int]]:
        """Sizes and tokens of all runs, the held-out one last."""
        return [(size, tokens) for size in self.sizes for tokens in self.tokens] + [self.held_out]


@dataclass(frozen=True)
class Trained:
    """A cell's run, its curve of (tokens read, mean training loss since the point before), and that it was trained."""

    run: Run
    curve: tuple[tuple[int, float], ...]


class StreamTask:
    """What the training loop needs to read a stream once, in order."""

    monitor = "validation_loss"
    maximize = False

    def __init__(self, stream: Sequence[int], judged: Sequence[Row], grid: Grid, *, pad: int) -> None:
        self._rows: list[Row] = [
            (stream[start : start + grid.window], stream[start : start + grid.window])
            for start in range(0, len(stream), grid.window)
        ]
        self._judged = judged
        self._size = grid.batch_size
        self._pad = pad
        self.losses: list[tuple[int, float]] = []

    def batches(self, epoch: int) -> Iterator[Batch]:  # noqa: ARG002 (there is one epoch)
        """The rows in the order of the stream."""
        return batched(self._rows, self._size, pad=self._pad)

    def steps_per_epoch(self) -> int:
        """How many batches there are."""
        return math.ceil(len(self._rows) / self._size)

    def loss(self, model: nn.Module, batch: Batch) -> Tensor:
        """Mean cross-entropy of the next token in nats, which is noted beside the tokens read."""
        loss = mean_loss(model, batch)
        read = self.losses[-1][0] if self.losses else 0
        self.losses.append((read + int(batch.mask.sum()), float(loss.detach())))
        return loss

    def samples(self, batch: Batch) -> int:
        """Rows in a batch."""
        return len(batch.ids)

    def validate(self, model: nn.Module) -> dict[str, float]:
        """Loss and its like on the held-out documents."""
        return score_rows(model, self._judged, 4 * self._size, pad=self._pad).figures()


def train_grid(
    documents: pl.DataFrame,
    grid: Grid,
    hardware: Hardware,
    *,
    state_dir: Path | None = None,
    progress: Progress = silent,
) -> list[Trained]:
    """Train every cell of the grid, the held-out one last; with `state_dir` a finished cell is not trained again.

    The documents that are held out for the base are held out here. Raises `DataError` when there is less text than the
    largest budget.
    """
    training, held_out = hold_out(document_texts(documents), 0.1)
    tokenizer = train_tokenizer(training, TokenizerSettings(grid.vocabulary))
    stream = _stream(tokenizer, training, grid)
    judged = _judged(tokenizer, held_out, grid)
    trained = []
    for index, (size, tokens) in enumerate(grid.cells):
        key = content_hash([asdict(size), tokens, stream[:tokens], [list(ids) for ids, _ in judged], _plan(grid)])[:16]
        file = None if state_dir is None else state_dir / f"{key}.json"
        if file is not None and file.is_file():
            trained.append(_read(file))
        else:
            trained.append(_train(size, stream[:tokens], judged, tokenizer, grid, hardware))
            if file is not None:
                write_json(file, asdict(trained[-1]))
        progress(index + 1, len(grid.cells), f"{size.parameters:,} × {tokens:,}: {trained[-1].run.loss:.3f}")
    return trained


def _train(
    size: Size,
    stream: Sequence[int],
    judged: Sequence[Row],
    tokenizer: PreTrainedTokenizerFast,
    grid: Grid,
    hardware: Hardware,
) -> Trained:
    from releaf.training.loop import Optimization, fit

    model = build_decoder(size.decoder(grid.window), tokenizer, seed=grid.seed)
    task = StreamTask(stream, judged, grid, pad=int(tokenizer.pad_token_id))
    optimization = Optimization(
        epochs=1,
        learning_rate=grid.learning_rate * math.sqrt(64 / size.width),
        weight_decay=0.1,
        warmup_epochs=grid.warmup_share,
        seed=grid.seed,
    )
    history = fit(model, task, optimization, hardware)
    run = Run(size.parameters, len(stream), history.epochs[0]["validation_loss"])
    return Trained(run, _thinned(task.losses))


def _thinned(losses: Sequence[tuple[int, float]], points: int = 30) -> tuple[tuple[int, float], ...]:
    """The curve in at most `points` means, each at the tokens read by its end."""
    groups = [group for group in np.array_split(np.array(losses), min(points, len(losses))) if len(group)]
    return tuple((int(group[-1, 0]), float(group[:, 1].mean())) for group in groups)


def _stream(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], grid: Grid) -> list[int]:
    order = np.random.default_rng(grid.seed).permutation(len(texts))
    stream = [token for index in order for token in document_ids(tokenizer, texts[index])]
    wanted = max(tokens for _, tokens in grid.cells)
    if len(stream) < wanted:
        raise DataError(
            f"the training documents are {len(stream):,} tokens and the largest run reads {wanted:,} once; "
            "add documents or lower the grid's tokens"
        )
    return stream[:wanted]


def _judged(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], grid: Grid) -> list[Row]:
    """Windows of the held-out documents, whole documents until there are enough tokens."""
    rows: list[Row] = []
    for text in texts:
        if sum(len(ids) for ids, _ in rows) >= grid.judged_tokens:
            break
        rows += pieces(document_ids(tokenizer, text), grid.window)
    return rows


def _plan(grid: Grid) -> list[float]:
    """What of the grid decides how one cell trains."""
    return [grid.window, grid.batch_size, grid.learning_rate, grid.warmup_share, grid.seed, grid.vocabulary]


def _read(file: Path) -> Trained:
    raw = read_json(file)
    return Trained(Run(**raw["run"]), tuple((int(tokens), float(loss)) for tokens, loss in raw["curve"]))
